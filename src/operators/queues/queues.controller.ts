import { Body, Controller, Get, Param, Patch, Req } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { noteAuditDetail } from '../../platform/audit/audit-detail';
import { Audited } from '../../platform/audit/audited.decorator';
import { ofQueueParam } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { QueueLimitsDto } from './queue-actions.dto';
import { QueueActions } from './queue-actions.service';
import { QueueList, QueueSettings } from './queue-settings.dto';
import { QueuesService } from './queues.service';

@ApiTags('Queues')
@Controller('api/queues')
export class QueuesController {
  constructor(
    private readonly queues: QueuesService,
    private readonly actions: QueueActions,
  ) {}

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

  /** Limits one queue over all its workers together, at once; what is not named stays as it is. */
  @Audited('queues.limit')
  @Patch(':queue')
  @Requires('queues:manage')
  @ApiProblems('queue_not_found', 'validation_failed')
  @ApiOkResponse({ type: QueueSettings })
  async limit(
    @Param('queue') name: string,
    @Body() body: QueueLimitsDto,
    @Req() request: FastifyRequest,
  ): Promise<QueueSettings | undefined> {
    await this.actions.limit(name, body);
    noteAuditDetail(request, { queue: name, ...body });
    return this.one(name);
  }
}
