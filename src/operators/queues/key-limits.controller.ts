import { Body, Controller, Delete, Get, Param, Put, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { noteAuditDetail } from '../../platform/audit/audit-detail';
import { Audited } from '../../platform/audit/audited.decorator';
import { Requires } from '../../platform/auth/route-access';
import { nextLink } from '../../platform/http/cursor';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { KeyLimitList, KeyLimitsQuery, KeyLimitView, SetKeyLimitDto } from './key-limits.dto';
import { QueueKeyLimits } from './key-limits.service';

/** Keys are those of all tenants, so that only who manages the server sees them. */
@ApiTags('Queues')
@Controller('api/queues/:queue/key-limits')
export class KeyLimitsController {
  constructor(private readonly limits: QueueKeyLimits) {}

  /** The keys of a queue: how many jobs of each wait and run, what it may have, and when it may go on. */
  @Get()
  @Requires('queues:manage')
  @ApiProblems('queue_not_found', 'key_limits_undeclared', 'cursor_invalid', 'query_invalid')
  @ApiOkResponse({ type: KeyLimitList })
  async list(
    @Param('queue') queue: string,
    @Query() query: KeyLimitsQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<KeyLimitList> {
    const page = await this.limits.list(queue, query);
    if (page.next_cursor !== null) {
      const path = `/api/queues/${encodeURIComponent(queue)}/key-limits`;
      reply.header('link', nextLink(path, query, page.next_cursor));
    }
    return page;
  }

  /** One key of a queue. */
  @Get(':key')
  @Requires('queues:manage')
  @ApiProblems('queue_not_found', 'key_limits_undeclared', 'bad_request')
  @ApiOkResponse({ type: KeyLimitView })
  one(@Param('queue') queue: string, @Param('key') key: string): Promise<KeyLimitView> {
    return this.limits.one(queue, key);
  }

  /** Gives a key limits of its own in place of those of its queue, at once and until they are removed. */
  @Audited('queues.key-limit')
  @Put(':key')
  @Requires('queues:manage')
  @ApiProblems(
    'queue_not_found',
    'key_limits_undeclared',
    'key_limits_full',
    'validation_failed',
    'bad_request',
  )
  @ApiOkResponse({ type: KeyLimitView })
  async set(
    @Param('queue') queue: string,
    @Param('key') key: string,
    @Body() body: SetKeyLimitDto,
    @Req() request: FastifyRequest,
  ): Promise<KeyLimitView> {
    const view = await this.limits.set(queue, key, body);
    noteAuditDetail(request, { queue, key, ...body });
    return view;
  }

  /** Lets the limits of its queue be the key's again. */
  @Audited('queues.key-limit')
  @Delete(':key')
  @Requires('queues:manage')
  @ApiProblems('queue_not_found', 'key_limits_undeclared', 'bad_request')
  @ApiOkResponse({ type: KeyLimitView })
  async remove(
    @Param('queue') queue: string,
    @Param('key') key: string,
    @Req() request: FastifyRequest,
  ): Promise<KeyLimitView> {
    const view = await this.limits.remove(queue, key);
    noteAuditDetail(request, { queue, key, removed: true });
    return view;
  }
}
