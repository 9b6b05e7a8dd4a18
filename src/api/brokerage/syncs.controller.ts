import { Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { NotAudited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { encodeCursor, nextLink } from '../../platform/http/cursor';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { Idempotent } from '../../platform/idempotency/idempotent.decorator';
import { CallerLimits } from '../../platform/limits/caller-limits.service';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { ActivityStore } from '../../workloads/brokerage/activity.store';
import { SyncRequests } from '../../workloads/brokerage/sync-requests.store';
import { SyncRunStore } from '../../workloads/brokerage/sync-run.store';
import {
  activityPositionIn,
  activityView,
  CONNECTIONS_PATH,
  reconciliationView,
  rowPositionIn,
  syncRunView,
} from './connection-view';
import { ofBrokerSync } from './connections.controller';
import { Connections } from './connections.service';
import {
  ActivityListDto,
  ReconciliationDto,
  RequestedSyncDto,
  SyncRunDto,
  SyncRunListDto,
} from './sync-run.dto';

const POLL_SECONDS = '2';

/** What the syncs of a connection do and have brought. */
@ApiTags('brokerage')
@Controller(`${CONNECTIONS_PATH.slice(1)}/:id`)
export class SyncsController {
  constructor(
    private readonly connections: Connections,
    private readonly requests: SyncRequests,
    private readonly runs: SyncRunStore,
    private readonly activities: ActivityStore,
    private readonly limits: CallerLimits,
  ) {}

  /** Synchronises a connection now, also a paused one; while a sync is under way, it is that one. */
  @NotAudited('the job itself says who asked for it')
  @Post('sync')
  @Requires('jobs:write', ofBrokerSync)
  @HttpCode(202)
  @Idempotent()
  @ApiResponse({ status: 202, type: RequestedSyncDto })
  @ApiOkResponse({ type: RequestedSyncDto, description: 'A sync was under way already.' })
  @ApiProblems('connection_not_found', 'rate_limited')
  async sync(
    @Param('id') id: string,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RequestedSyncDto> {
    const connection = await this.connections.require(id, principal.tenant);
    await this.limits.jobQuota(principal, reply)(1);
    const { run, isNew } = await this.requests.request(connection, principal.id);
    const view = syncRunView(run);
    reply
      .status(isNew ? 202 : 200)
      .header('location', view.links['self'])
      .header('retry-after', POLL_SECONDS);
    return { ...view, deduplicated: !isNew };
  }

  /** The syncs of a connection, newest first; a hundred are kept. */
  @Get('runs')
  @Requires('jobs:read', ofBrokerSync)
  @ApiOkResponse({ type: SyncRunListDto })
  @ApiProblems('connection_not_found', 'query_invalid', 'cursor_invalid')
  async list(
    @Param('id') id: string,
    @Query() query: PageQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SyncRunListDto> {
    const { limit, cursor } = query;
    const before = cursor === undefined ? undefined : rowPositionIn(cursor);
    const connection = await this.connections.require(id, tenant);
    const found = await this.runs.list(connection.id, {
      limit: limit + 1,
      ...(before !== undefined && { before }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined ? encodeCursor([last.createdAt.getTime(), last.id]) : null;
    if (next !== null)
      reply.header('link', nextLink(`${CONNECTIONS_PATH}/${connection.id}/runs`, query, next));
    return { items: items.map(syncRunView), next_cursor: next };
  }

  @Get('runs/:runId')
  @Requires('jobs:read', ofBrokerSync)
  @ApiOkResponse({ type: SyncRunDto })
  @ApiProblems('connection_not_found', 'sync_run_not_found')
  async read(
    @Param('id') id: string,
    @Param('runId') runId: string,
    @CurrentPrincipal() { tenant }: Principal,
  ): Promise<SyncRunDto> {
    const connection = await this.connections.require(id, tenant);
    const run = await this.runs.find(runId, connection.id);
    if (run === undefined) throw problem('sync_run_not_found');
    return syncRunView(run);
  }

  /** The positions that the activities make, where they are not those of the broker; of the newest sync that compared them. */
  @Get('reconciliation')
  @Requires('payloads:read', ofBrokerSync)
  @ApiOkResponse({ type: ReconciliationDto })
  @ApiProblems('connection_not_found', 'not_reconciled')
  async reconciliation(
    @Param('id') id: string,
    @CurrentPrincipal() { tenant }: Principal,
  ): Promise<ReconciliationDto> {
    const connection = await this.connections.require(id, tenant);
    const run = await this.runs.lastReconciled(connection.id);
    if (run === undefined) throw problem('not_reconciled');
    return reconciliationView(run);
  }

  /** What has happened in the account, newest first. */
  @Get('activities')
  @Requires('payloads:read', ofBrokerSync)
  @ApiOkResponse({ type: ActivityListDto })
  @ApiProblems('connection_not_found', 'query_invalid', 'cursor_invalid')
  async listActivities(
    @Param('id') id: string,
    @Query() query: PageQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ActivityListDto> {
    const { limit, cursor } = query;
    const connection = await this.connections.require(id, tenant);
    const source = connection.id;
    const before = cursor === undefined ? undefined : activityPositionIn(cursor, source);
    const owner = { tenant, userId: connection.userId, source };
    const found = await this.activities.newest(owner, {
      limit: limit + 1,
      ...(before !== undefined && { before }),
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined
        ? encodeCursor([last.occurredAt.getTime(), last.externalId])
        : null;
    if (next !== null)
      reply.header('link', nextLink(`${CONNECTIONS_PATH}/${source}/activities`, query, next));
    return { items: items.map(activityView), next_cursor: next };
  }
}
