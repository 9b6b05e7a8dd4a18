import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { ofQueueParam } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { QueueList, QueueSettings } from './queue-settings.dto';
import { QueuesService } from './queues.service';

@ApiTags('Queues')
@Controller('api/queues')
export class QueuesController {
  constructor(private readonly queues: QueuesService) {}

  /** How every queue is set up: its job types, attempts, limits and retention. */
  @Get()
  @Requires('queues:read')
  @ApiOkResponse({ type: QueueList })
  async list(): Promise<QueueList> {
    return { queues: await this.queues.settings() };
  }

  /** How one queue is set up. */
  @Get(':queue')
  @Requires('queues:read', ofQueueParam())
  @ApiProblems('queue_not_found')
  @ApiOkResponse({ type: QueueSettings })
  async one(@Param('queue') name: string): Promise<QueueSettings | undefined> {
    const [settings] = await this.queues.settings(name);
    return settings;
  }
}
