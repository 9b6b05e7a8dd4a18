import { Body, Controller, Get, HttpCode, Post, Res, UseGuards } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited } from '../../platform/audit/audited.decorator';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { Idempotent } from '../../platform/idempotency/idempotent.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { RedisConnections } from '../../platform/redis/redis-connections.service';
import { jobBody, jobPath } from '../jobs/job-body';
import { QueueTestDto, queueTestActions, QueueTestResultDto, QueueTestStatusDto } from './queue-test.dto';
import { QueueTestGuard } from './queue-test.guard';
import { QueueTestService } from './queue-test.service';

@ApiTags('queue test')
@Controller(['api/queue/test', 'queue/test'])
@UseGuards(QueueTestGuard)
export class QueueTestController {
  constructor(
    private readonly test: QueueTestService,
    private readonly connections: RedisConnections,
  ) {}

  /** How Redis, the queue "default" and its worker are doing. */
  @Get()
  @Requires('queues:read')
  @ApiOkResponse({ type: QueueTestStatusDto })
  read(): Promise<QueueTestStatusDto> {
    this.connections.assertReady();
    return this.test.read();
  }

  /** Adds a test job, starts the worker in this process, or works the next waiting job. Off in production. */
  @Audited('queue-test.act')
  @Post()
  @Requires('queues:manage')
  @Masked('job.result', 'job.error.message', 'job.progress.message')
  @HttpCode(200)
  @Idempotent()
  @ApiOkResponse({ type: QueueTestResultDto, description: 'The worker was started, or the job was worked.' })
  @ApiResponse({ status: 202, type: QueueTestResultDto, description: 'The job was added.' })
  @ApiNoContentResponse({ description: 'No job waits.' })
  act(
    @Body() body: QueueTestDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<QueueTestResultDto | undefined> {
    this.connections.assertReady();
    switch (body.action) {
      case 'add-job':
        return this.addJob(body, principal, reply);
      case 'start-worker':
        return this.startWorker();
      case 'process-next':
        return this.processNext(reply);
      default:
        throw problem('action_unknown', {
          detail: `The actions are ${queueTestActions.join(', ')}.`,
          errors: [{ pointer: '#/action', detail: 'does not exist', code: 'isIn' }],
        });
    }
  }

  private async addJob(
    { message, delay, shouldFail }: QueueTestDto,
    { id: caller, tenant }: Principal,
    reply: FastifyReply,
  ): Promise<QueueTestResultDto> {
    const payload = {
      message: message ?? 'Test job',
      ...(delay != null && { delay }),
      ...(shouldFail != null && { shouldFail }),
    };
    const job = await this.test.addJob(payload, { tenant, caller });
    reply.status(202).header('location', jobPath(job.id)).header('retry-after', '1');
    return { action: 'add-job', jobId: job.id, job: jobBody(job) };
  }

  private async startWorker(): Promise<QueueTestResultDto> {
    return { action: 'start-worker', worker: await this.test.startWorker() };
  }

  private async processNext(reply: FastifyReply): Promise<QueueTestResultDto | undefined> {
    const job = await this.test.processNext();
    if (job !== undefined) return { action: 'process-next', jobId: job.id, job: jobBody(job) };
    reply.status(204);
    return undefined;
  }
}
