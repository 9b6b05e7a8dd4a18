import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { noteAuditDetail } from '../../platform/audit/audit-detail';
import { Audited } from '../../platform/audit/audited.decorator';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { nextLink } from '../../platform/http/cursor';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { DecisionDto } from '../dead-letters/dead-letter-query.dto';
import { OperationListQuery, StartOperationDto } from './operation-query.dto';
import { DryRunDto, OperationDetailDto, OperationDto, OperationListDto } from './operation.dto';
import { OPERATIONS_PATH, OperationsFront } from './operations-front.service';

@ApiTags('operations')
@Controller(['api/queue/operations', 'queue/operations'])
export class OperationsController {
  constructor(private readonly operations: OperationsFront) {}

  /** Does one thing to many jobs or dead letters, in the background; `dryRun` only says to how many. */
  @Audited('operations.start')
  @Post()
  @Requires('jobs:manage')
  @HttpCode(202)
  @ApiResponse({ status: 202, type: OperationDto, description: '`Location` tells how far it is.' })
  @ApiOkResponse({ type: DryRunDto, description: 'The answer to a dry run.' })
  @ApiProblems('operation_running', 'validation_failed', 'database_unavailable')
  async start(
    @Body() body: StartOperationDto,
    @CurrentPrincipal() principal: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationDto | DryRunDto> {
    if (body.dryRun === true) {
      reply.status(200);
      return this.operations.dryRun(body, principal);
    }
    const operation = await this.operations.start(body, principal);
    noteAuditDetail(request, { operation: operation.id, action: body.action, fields: Object.keys(body) });
    reply.header('location', operation.links.self).header('retry-after', '1');
    return operation;
  }

  /** Every operation, newest first. */
  @Get()
  @Requires('jobs:read')
  @ApiOkResponse({ type: OperationListDto })
  @ApiProblems('cursor_invalid', 'query_invalid', 'database_unavailable')
  async list(
    @Query() query: OperationListQuery,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationListDto> {
    const page = await this.operations.list(query, tenant);
    if (page.next_cursor !== null) reply.header('link', nextLink(OPERATIONS_PATH, query, page.next_cursor));
    return page;
  }

  /** How far one operation is, and what did not succeed. */
  @Get(':id')
  @Requires('jobs:read')
  @Masked('troubles.*.detail')
  @ApiOkResponse({ type: OperationDetailDto })
  @ApiProblems('operation_not_found', 'database_unavailable')
  async read(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationDetailDto> {
    const operation = await this.operations.read(id, tenant);
    if (operation.status === 'running') reply.header('retry-after', '1');
    return operation;
  }

  /** Ends it now; what it has moved stays moved. */
  @Audited('operations.abort')
  @Post(':id/abort')
  @Requires('jobs:manage')
  @HttpCode(200)
  @ApiOkResponse({ type: OperationDto })
  @ApiProblems('operation_not_found', 'operation_ended')
  async abort(
    @Param('id') id: string,
    @Body() { reason }: DecisionDto,
    @CurrentPrincipal() { id: by, tenant }: Principal,
  ): Promise<OperationDto> {
    return this.operations.abort(id, reason, by, tenant);
  }
}
