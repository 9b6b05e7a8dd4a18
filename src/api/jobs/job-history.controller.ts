import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { ofJobParam, ofQueueQuery } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { RequestValidationPipe } from '../../platform/http/request-validation.pipe';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { nextLink } from '../../platform/http/cursor';
import { JobHistory } from './job-history.service';
import { JobListQueryDto } from './job-list-query.dto';
import { JobAttemptListDto, PastJobListDto } from './job-list.dto';
import { splitPayload } from './searchable-payload';

const PATH = '/api/queue/jobs';

@ApiTags('jobs')
@Controller(['api/queue/jobs', 'queue/jobs'])
export class JobHistoryController {
  private readonly pipe = new RequestValidationPipe();

  constructor(private readonly history: JobHistory) {}

  /**
   * Jobs, the newest first, whether they wait, run or have long ended. `payload.<field>=…` looks for payload
   * fields that the job's type declares searchable. Payloads are never shown, and neither they nor the texts of
   * errors are searched for a key without `payloads:read`.
   */
  @Get()
  @Requires('jobs:read', ofQueueQuery())
  @Masked('items.*.result', 'items.*.error.message')
  @ApiQuery({ type: JobListQueryDto })
  @ApiOkResponse({ type: PastJobListDto })
  @ApiProblems('query_invalid', 'unknown_field', 'cursor_invalid', 'database_unavailable')
  async list(
    @Query() given: Record<string, unknown>,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PastJobListDto> {
    const { payload, others } = splitPayload(given);
    const query = (await this.pipe.transform(others, {
      type: 'query',
      metatype: JobListQueryDto,
    })) as JobListQueryDto;
    const page = await this.history.list(query, payload, principal);
    if (page.next_cursor !== null) reply.header('link', nextLink(PATH, given, page.next_cursor));
    return page;
  }

  /** The attempts of one job: when each began and ended, who ran it, and how it ended. */
  @Get(':id/attempts')
  @Requires('jobs:read', ofJobParam())
  @Masked('items.*.error.message')
  @ApiOkResponse({ type: JobAttemptListDto })
  @ApiProblems('job_not_found', 'database_unavailable')
  attempts(@Param('id') id: string, @CurrentPrincipal() { tenant }: Principal): Promise<JobAttemptListDto> {
    return this.history.attempts(id, tenant);
  }
}
