import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited } from '../../platform/audit/audited.decorator';
import { Masked } from '../../platform/auth/masked.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { encodeCursor, nextLink, timePlaceIn } from '../../platform/http/cursor';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import {
  ErrorGroups,
  type ErrorDecision,
  type ErrorGroupPosition,
} from '../../workloads/agents/error-groups.store';
import type { ErrorGroup } from '../../workloads/agents/error-groups.tables';
import {
  ErrorDecisionDto,
  ErrorGroupDto,
  ErrorGroupListDto,
  ErrorGroupListQueryDto,
} from './error-group.dto';

const PATH = '/api/queue/errors';
const nameable = /^[0-9a-f]{16}$/;

/** What the jobs of all queues die of, grouped. */
@ApiTags('errors')
@Controller([PATH.slice(1), 'queue/errors'])
export class ErrorsController {
  constructor(
    private readonly groups: ErrorGroups,
    private readonly database: Database,
  ) {}

  /** The newest deaths first. */
  @Get()
  @Requires('jobs:read')
  @Masked('items.*.errorMessage')
  @ApiOkResponse({ type: ErrorGroupListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async list(
    @Query() query: ErrorGroupListQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ErrorGroupListDto> {
    this.database.assertReady();
    const { limit, cursor, status, queue, newSince } = query;
    const after = cursor === undefined ? undefined : positionIn(cursor);
    const found = await this.groups.list(
      {
        ...(status != null && { status }),
        ...(queue != null && { queue }),
        ...(newSince != null && { newSince }),
      },
      { tenant, limit: limit + 1, ...(after !== undefined && { after }) },
    );
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit && last !== undefined
        ? encodeCursor([last.lastSeenAt.getTime(), last.fingerprint])
        : null;
    if (next !== null) reply.header('link', nextLink(PATH, query, next));
    return { items: items.map(view), next_cursor: next };
  }

  /** The cause is gone: the next death of this kind is a regression, and told of. */
  @Audited('errors.resolve')
  @Post(':fingerprint/resolve')
  @Requires('jobs:manage')
  @HttpCode(200)
  @Masked('errorMessage')
  @ApiOkResponse({ type: ErrorGroupDto })
  @ApiProblems('error_group_not_found')
  resolve(
    @Param('fingerprint') fingerprint: string,
    @Body() { reason }: ErrorDecisionDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ErrorGroupDto> {
    return this.decide(fingerprint, principal, { status: 'resolved', reason });
  }

  /** Deaths of this kind are counted, and nobody is told of them. */
  @Audited('errors.ignore')
  @Post(':fingerprint/ignore')
  @Requires('jobs:manage')
  @HttpCode(200)
  @Masked('errorMessage')
  @ApiOkResponse({ type: ErrorGroupDto })
  @ApiProblems('error_group_not_found')
  ignore(
    @Param('fingerprint') fingerprint: string,
    @Body() { reason }: ErrorDecisionDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ErrorGroupDto> {
    return this.decide(fingerprint, principal, { status: 'ignored', reason });
  }

  private async decide(
    fingerprint: string,
    { tenant, id: by }: Principal,
    { status, reason }: { status: ErrorDecision['status']; reason: string | undefined },
  ): Promise<ErrorGroupDto> {
    this.database.assertReady();
    const decision = { status, by, reason: reason ?? null };
    const group = nameable.test(fingerprint)
      ? await this.groups.decide(fingerprint, tenant, decision)
      : undefined;
    if (group === undefined) throw problem('error_group_not_found');
    return view(group);
  }
}

function positionIn(cursor: string): ErrorGroupPosition {
  const { at, id } = timePlaceIn(cursor, (text) => nameable.test(text));
  return { lastSeenAt: at, fingerprint: id };
}

function view(group: ErrorGroup): ErrorGroupDto {
  const { fingerprint, status, count, queues, types, errorName, errorMessage, deadLetterId } = group;
  const own = `${PATH}/${fingerprint}`;
  return {
    fingerprint,
    status,
    count,
    queues,
    types,
    errorName,
    errorMessage,
    firstSeenAt: group.firstSeenAt.toISOString(),
    lastSeenAt: group.lastSeenAt.toISOString(),
    firstVersion: group.firstVersion,
    lastVersion: group.lastVersion,
    regression: group.isRegression,
    decision:
      group.decidedAt === null
        ? null
        : { at: group.decidedAt.toISOString(), by: group.decidedBy ?? '', reason: group.decisionReason },
    links: {
      deadLetters: `/api/queue/dead-letters?errorGroup=${fingerprint}`,
      sample: `/api/queue/dead-letters/${deadLetterId}`,
      resolve: `${own}/resolve`,
      ignore: `${own}/ignore`,
    },
  };
}
