import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { ofQueueQuery } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { ErrorMember } from '../../platform/problems/error-member.decorator';
import { QueueStats, QueueStatsQuery } from './queue-stats.dto';
import { QueuesService } from './queues.service';

const failed = 'Failed to fetch queue stats';

@ApiTags('Queues')
@Controller(['api/queue/stats', 'queue/stats'])
export class StatsController {
  constructor(private readonly queues: QueuesService) {}

  /** How many jobs are in which state: in all queues together, and in each. */
  @Get()
  @Requires('queues:read', ofQueueQuery())
  // The texts that document 001 gives.
  @ErrorMember({ 401: 'Unauthorized', 500: failed, 503: failed })
  @ApiProblems('queue_not_found')
  @ApiOkResponse({ type: QueueStats })
  @ApiProblems('query_invalid')
  read(@Query() { queue }: QueueStatsQuery): Promise<QueueStats> {
    return this.queues.stats(queue);
  }
}
