import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { ofJobParam } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { JobResults } from './job-results.service';

@ApiTags('jobs')
@Controller(['api/queue/jobs/:id/result', 'queue/jobs/:id/result'])
export class JobResultsController {
  constructor(private readonly results: JobResults) {}

  /** What the job has returned, whole; large results lie beside the job and can be read in parts. */
  @Get()
  @Requires(['jobs:read', 'payloads:read'], ofJobParam())
  @ApiHeader({ name: 'Range', required: false })
  @ApiOkResponse({ content: { 'application/json': { schema: {} } } })
  @ApiResponse({ status: 206, description: 'The bytes that Range asks for, of a result that is stored.' })
  @ApiProblems(
    'job_not_found',
    'job_not_finished',
    'job_without_result',
    'result_gone',
    'range_not_satisfiable',
  )
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.results.send(id, tenant, request, reply);
  }
}
