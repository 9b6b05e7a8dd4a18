import { Body, Controller, Headers, Param, Patch, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited } from '../../platform/audit/audited.decorator';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { ofJobParam } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { JobEdits } from '../../platform/queue/job-edits.service';
import { priorityFromLevel } from '../../platform/queue/priority';
import { EditJobDto } from './edit-job.dto';
import { tagMatches } from '../../platform/http/entity-tag';
import { hiddenOfJob, jobBody, jobTag } from './job-body';
import { delayOf } from './job-options';
import { JobDto } from './job.dto';
import { JobsApiService } from './jobs-api.service';

@ApiTags('jobs')
@Controller(['api/queue/jobs', 'queue/jobs'])
export class JobEditsController {
  constructor(
    private readonly jobs: JobsApiService,
    private readonly edits: JobEdits,
  ) {}

  /** Changes payload, priority or start of a job that has not begun. */
  @Audited('jobs.edit')
  @Patch(':id')
  @Requires('jobs:manage', ofJobParam())
  @Masked(...hiddenOfJob)
  @ApiHeader({ name: 'If-Match', required: false })
  @ApiOkResponse({ type: JobDto })
  @ApiProblems('job_not_found', 'job_active', 'job_finished', 'precondition_failed', 'priority_refused')
  async edit(
    @Param('id') id: string,
    @Body() { data, priority, delay, runAt }: EditJobDto,
    @CurrentPrincipal() principal: Principal,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobDto> {
    const job = await this.jobs.read(id, principal.tenant);
    if (ifMatch !== undefined && !tagMatches(ifMatch, jobTag(job, principal)))
      throw problem('precondition_failed');
    const delayMs = delay == null && runAt == null ? undefined : delayOf({ delay, runAt }, '#');
    const edit = {
      ...(data != null && { payload: data }),
      ...(priority != null && {
        priority: typeof priority === 'number' ? priorityFromLevel(priority) : priority,
      }),
      ...(delayMs !== undefined && { delayMs }),
    };
    switch (await this.edits.edit(job, edit, ifMatch !== undefined)) {
      case 'changed':
        throw problem('precondition_failed');
      case 'active':
        throw problem('job_active', { detail: `Job ${id} is running; it can be changed only before.` });
      case 'finished':
        throw problem('job_finished', { detail: `Job ${id} has finished; it can be changed only before.` });
      case 'unknown':
        throw problem('job_not_found');
      case 'edited':
        break;
    }
    const edited = await this.jobs.read(id, principal.tenant);
    reply.header('etag', jobTag(edited, principal));
    return jobBody(edited);
  }
}
