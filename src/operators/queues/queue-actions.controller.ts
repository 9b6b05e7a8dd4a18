import { Body, Controller, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { noteAuditDetail } from '../../platform/audit/audit-detail';
import { Audited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import type { Operation } from '../../platform/operations/operation.store';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { OperationDto } from '../operations/operation.dto';
import { OperationsFront } from '../operations/operations-front.service';
import {
  CleanDto,
  CleanedDto,
  DrainDto,
  DrainPlanDto,
  PausedDto,
  PauseQueueDto,
  PauseQueuesDto,
  ResumeQueueDto,
  ResumeQueuesDto,
} from './queue-actions.dto';
import { QueueActions } from './queue-actions.service';

type Reply = FastifyReply;

@ApiTags('Queues')
@Controller()
export class QueueActionsController {
  constructor(
    private readonly actions: QueueActions,
    private readonly operations: OperationsFront,
  ) {}

  /** Pauses every queue, or one: jobs are taken and wait, those under way finish. */
  @Audited('queues.pause')
  @Post(['api/queue/pause', 'queue/pause'])
  @Requires('queues:manage')
  @HttpCode(200)
  @ApiOkResponse({ type: PausedDto })
  @ApiProblems('queue_not_found', 'validation_failed')
  async pauseAll(
    @Body() body: PauseQueuesDto,
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
  ): Promise<PausedDto> {
    return noted(request, await this.actions.pause(body, principal), { ...body });
  }

  /** Lets every queue go on, or one. */
  @Audited('queues.resume')
  @Post(['api/queue/resume', 'queue/resume'])
  @Requires('queues:manage')
  @HttpCode(200)
  @ApiOkResponse({ type: PausedDto })
  @ApiProblems('queue_not_found', 'validation_failed')
  async resumeAll(@Body() { queue }: ResumeQueuesDto, @Req() request: FastifyRequest): Promise<PausedDto> {
    return noted(request, await this.actions.resume(queue));
  }

  /** Pauses one queue. */
  @Audited('queues.pause')
  @Post('api/queues/:queue/pause')
  @Requires('queues:manage')
  @HttpCode(200)
  @ApiOkResponse({ type: PausedDto })
  @ApiProblems('queue_not_found', 'validation_failed')
  async pause(
    @Param('queue') queue: string,
    @Body() body: PauseQueueDto,
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
  ): Promise<PausedDto> {
    return noted(request, await this.actions.pause({ ...body, queue }, principal), { ...body });
  }

  /** Lets one queue go on. */
  @Audited('queues.resume')
  @Post('api/queues/:queue/resume')
  @Requires('queues:manage')
  @HttpCode(200)
  @ApiOkResponse({ type: PausedDto })
  @ApiProblems('queue_not_found', 'validation_failed')
  async resume(
    @Param('queue') queue: string,
    @Body() _body: ResumeQueueDto,
    @Req() request: FastifyRequest,
  ): Promise<PausedDto> {
    return noted(request, await this.actions.resume(queue));
  }

  /** Removes the records of completed jobs from Redis; their history stays. */
  @Audited('queues.clean', { reason: 'by setting' })
  @Post(['api/queue/clean/completed', 'queue/clean/completed'])
  @Requires('queues:destroy')
  @HttpCode(200)
  @ApiOkResponse({ type: CleanedDto })
  @ApiResponse({ status: 202, type: OperationDto, description: 'Too many for one request; see `Location`.' })
  @ApiProblems('queue_not_found', 'validation_failed', 'database_unavailable')
  cleanCompleted(
    @Body() body: CleanDto,
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<CleanedDto | OperationDto> {
    return this.clean('completed', body, principal, request, reply);
  }

  /** Removes the records of failed jobs from Redis; their dead letters stay. */
  @Audited('queues.clean', { reason: 'by setting' })
  @Post(['api/queue/clean/failed', 'queue/clean/failed'])
  @Requires('queues:destroy')
  @HttpCode(200)
  @ApiOkResponse({ type: CleanedDto })
  @ApiResponse({ status: 202, type: OperationDto, description: 'Too many for one request; see `Location`.' })
  @ApiProblems('queue_not_found', 'validation_failed', 'database_unavailable')
  cleanFailed(
    @Body() body: CleanDto,
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<CleanedDto | OperationDto> {
    return this.clean('failed', body, principal, request, reply);
  }

  /** Removes the jobs that have not started; none of them will ever run. */
  @Audited('queues.drain', { reason: 'always' })
  @Post('api/queues/:queue/drain')
  @Requires('queues:destroy')
  @HttpCode(202)
  @ApiResponse({ status: 202, type: OperationDto, description: '`Location` tells how far it is.' })
  @ApiOkResponse({ type: DrainPlanDto, description: 'The answer to a dry run.' })
  @ApiProblems('queue_not_found', 'validation_failed', 'database_unavailable')
  async drain(
    @Param('queue') queue: string,
    @Body() body: DrainDto,
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DrainPlanDto | OperationDto> {
    const outcome = await this.actions.drain(queue, body, principal);
    if (isOperation(outcome)) return this.begun(outcome, request, reply);
    reply.status(200);
    return noted(request, outcome);
  }

  private async clean(
    state: 'completed' | 'failed',
    body: CleanDto,
    principal: Principal,
    request: FastifyRequest,
    reply: Reply,
  ): Promise<CleanedDto | OperationDto> {
    const outcome = await this.actions.clean(state, body, principal);
    return isOperation(outcome)
      ? this.begun(outcome, request, reply)
      : noted(request, outcome, { state, ...body });
  }

  private async begun(operation: Operation, request: FastifyRequest, reply: Reply): Promise<OperationDto> {
    const view = await this.operations.view(operation);
    reply.status(202).header('location', view.links.self).header('retry-after', '1');
    noteAuditDetail(request, { operation: view.id, action: view.action, ...view.request });
    return view;
  }
}

function isOperation(outcome: object): outcome is Operation {
  return 'startedBy' in outcome;
}

function noted<T extends object>(request: FastifyRequest, outcome: T, asked: object = {}): T {
  noteAuditDetail(request, { ...asked, ...outcome });
  return outcome;
}
