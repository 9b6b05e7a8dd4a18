import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited, NotAudited } from '../../platform/audit/audited.decorator';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { ofJobParam, ofJobType, ofJobTypes } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { Idempotent } from '../../platform/idempotency/idempotent.decorator';
import { CallerLimits } from '../../platform/limits/caller-limits.service';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { BatchEnqueuer } from './batch-enqueuer.service';
import { CreateBatchDto, CreatedBatchDto } from './create-batch.dto';
import { CreateJobDto } from './create-job.dto';
import { tagMatches } from '../../platform/http/entity-tag';
import { hiddenOfJob, isDone, jobBody, jobPath } from './job-body';
import { JobEnqueuer } from './job-enqueuer.service';
import { JobHistory } from './job-history.service';
import { JobWaiter } from './job-waiter.service';
import { CreatedJobDto, JobDto } from './job.dto';
import { JobsApiService } from './jobs-api.service';
import { MAX_WAIT_SECONDS, preferredWait } from './prefer-wait';
import { RemoveJobQuery } from './remove-job.query';

const POLL_SECONDS = '1';

@ApiTags('jobs')
@Controller(['api/queue/jobs', 'queue/jobs'])
export class JobsController {
  constructor(
    private readonly jobs: JobsApiService,
    private readonly enqueuer: JobEnqueuer,
    private readonly batches: BatchEnqueuer,
    private readonly waiter: JobWaiter,
    private readonly history: JobHistory,
    private readonly limits: CallerLimits,
  ) {}

  /** Enqueues a job of any registered type. */
  @NotAudited('the job itself says who asked for it')
  @Post()
  @Requires('jobs:write', ofJobType())
  @Masked(...hiddenOfJob)
  @HttpCode(202)
  @Idempotent()
  @ApiHeader({ name: 'Prefer', required: false, description: `wait=N: up to ${MAX_WAIT_SECONDS} seconds` })
  @ApiResponse({ status: 202, type: CreatedJobDto, description: 'Accepted; `Location` says where to ask.' })
  @ApiOkResponse({
    type: CreatedJobDto,
    description: 'Finished within the wait, or known by its key already.',
  })
  @ApiProblems(
    'job_type_unknown',
    'job_type_bound',
    'job_key_conflict',
    'job_payload_invalid',
    'priority_refused',
  )
  @ApiProblems('queue_full', 'storage_degraded', 'enqueue_outcome_unknown', 'rate_limited')
  async create(
    @Body() body: CreateJobDto,
    @CurrentPrincipal() principal: Principal,
    @Headers('prefer') prefer: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CreatedJobDto> {
    const { job, isDuplicate, warnings } = await this.enqueuer.enqueue(
      body,
      principal,
      this.limits.jobQuota(principal, reply),
    );
    const waitSeconds = isDone(job) ? 0 : preferredWait(prefer);
    const isGone = () => reply.raw.destroyed;
    const finished =
      waitSeconds > 0 ? await this.waiter.untilDone(job.id, waitSeconds * 1_000, isGone) : undefined;
    const current = finished ?? job;
    reply.header('location', jobPath(job.id));
    if (finished !== undefined) reply.header('preference-applied', `wait=${waitSeconds}`);
    if (!isDone(current)) reply.header('retry-after', POLL_SECONDS);
    if (isDuplicate || finished !== undefined) reply.status(200);
    return {
      ...jobBody(current),
      deduplicated: isDuplicate,
      ...(warnings.length > 0 && { warnings: [...warnings] }),
    };
  }

  /** Enqueues up to 1,000 jobs of any registered types. */
  @NotAudited('the jobs themselves say who asked for them')
  @Post('batch')
  @Requires('jobs:write', ofJobTypes)
  @HttpCode(202)
  @Idempotent()
  @ApiBody({ type: CreateBatchDto })
  @ApiResponse({ status: 202, type: CreatedBatchDto, description: 'One outcome per job.' })
  @ApiProblems('queue_full', 'storage_degraded', 'enqueue_outcome_unknown')
  @ApiProblems('job_type_unknown', 'job_payload_invalid')
  createMany(
    @Body() body: unknown,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CreatedBatchDto> {
    return this.batches.enqueue(body, principal, this.limits.jobQuota(principal, reply));
  }

  /**
   * One job: its state, progress and, once it is done, its result or its error. The header Holdfast-Source
   * says `redis`, or `ledger` after the job has left Redis.
   */
  @Get(':id')
  @Requires('jobs:read', ofJobParam())
  @Masked(...hiddenOfJob)
  @ApiHeader({ name: 'If-None-Match', required: false })
  @ApiOkResponse({ type: JobDto })
  @ApiResponse({ status: 304, description: 'Nothing has changed since that entity tag.' })
  @ApiProblems('job_not_found')
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() principal: Principal,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobDto | undefined> {
    const { body, source, tag } = await this.history.status(id, principal);
    reply.header('holdfast-source', source).header('etag', tag).header('cache-control', 'private, no-cache');
    if (!body.done) reply.header('retry-after', POLL_SECONDS);
    if (ifNoneMatch === undefined || !tagMatches(ifNoneMatch, tag)) return body;
    reply.status(304);
    return undefined;
  }

  /** Removes a job that waits or has finished; one that runs is told to stop and ends as cancelled. */
  @Audited('jobs.remove', { reason: 'by setting' })
  @Delete(':id')
  @Requires('jobs:manage', ofJobParam())
  @HttpCode(204)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiNoContentResponse({ description: 'The job is gone.' })
  @ApiResponse({ status: 202, type: JobDto, description: 'Its worker is told; the job ends as cancelled.' })
  @ApiProblems('job_not_found', 'job_active', 'precondition_failed', 'query_invalid')
  async remove(
    @Param('id') id: string,
    @Query() { reason = 'no reason given' }: RemoveJobQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobDto | undefined> {
    const running = await this.jobs.remove(id, principal, reason, ifMatch);
    if (running === undefined) return undefined;
    reply.status(202).header('location', jobPath(id)).header('retry-after', POLL_SECONDS);
    return jobBody(running);
  }
}
