import { Body, Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { ofJobParam } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { RetryJobDto } from './dead-letter-query.dto';
import { ReturnedJobDto } from './dead-letter.dto';
import { jobPath, returnedJobView } from './dead-letter-view';
import { DeadLettersService } from './dead-letters.service';

@ApiTags('jobs')
@Controller(['api/queue/jobs', 'queue/jobs'])
export class JobRetriesController {
  constructor(private readonly deadLetters: DeadLettersService) {}

  /** Runs a job again that has failed for good or was cancelled, with its attempts reset. */
  @Audited('jobs.retry')
  @Post(':id/retry')
  @Requires('jobs:manage', ofJobParam())
  @HttpCode(202)
  @ApiResponse({ status: 202, type: ReturnedJobDto })
  @ApiProblems('job_not_found', 'job_not_failed', 'job_payload_invalid', 'redrive_refused')
  async retry(
    @Param('id') id: string,
    @Body() wish: RetryJobDto,
    @CurrentPrincipal() { id: by, tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReturnedJobDto> {
    const redriven = await this.deadLetters.retryJob(id, { ...wish, by }, tenant);
    reply.header('location', jobPath(redriven.jobId));
    return returnedJobView(redriven);
  }

  /** Lets a delayed job start now. */
  @Audited('jobs.promote')
  @Post(':id/promote')
  @Requires('jobs:manage', ofJobParam())
  @HttpCode(202)
  @ApiResponse({ status: 202, description: 'The job waits for a worker; `Location` says where to ask.' })
  @ApiProblems('job_not_found', 'job_not_delayed')
  async promote(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ id: string; links: { self: string } }> {
    await this.deadLetters.promoteJob(id, tenant);
    reply.header('location', jobPath(id));
    return { id, links: { self: jobPath(id) } };
  }
}
