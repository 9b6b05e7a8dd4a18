import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Audited } from '../../platform/audit/audited.decorator';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { acceptRuleSet, RuleSetStore, type StoredRuleSet } from '../../workloads/validation/rule-set.store';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { decodeCursor, encodeCursor, nextLink } from '../../platform/http/cursor';
import { problem } from '../../platform/problems/problem-catalogue';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { RuleSetEntryDto, RuleSetListDto, StoredRuleSetDto } from './rule-set-answer.dto';

const PATH = '/api/rule-sets';

const ofValidation = always('validation');

@ApiTags('rule sets')
@Controller('api/rule-sets')
export class RuleSetsController {
  constructor(
    private readonly ruleSets: RuleSetStore,
    private readonly database: Database,
  ) {}

  /** Stores a rule set under its name; a name that is taken gets a new version, which only later uploads use. */
  @Audited('rule-sets.store')
  @Post()
  @Requires('jobs:write', ofValidation)
  @HttpCode(201)
  @ApiBody({ schema: { type: 'object', required: ['name', 'columns'] } })
  @ApiCreatedResponse({ type: StoredRuleSetDto })
  @ApiProblems('rule_set_invalid')
  async create(
    @Body() body: unknown,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StoredRuleSetDto> {
    const definition = acceptRuleSet(body, '#');
    this.database.assertReady();
    const saved = await this.ruleSets.save(definition, tenant);
    reply.header('location', `${PATH}/${saved.name}`);
    return { ...entryView(saved), definition: saved.definition };
  }

  /** The rule sets by name, without their definitions. */
  @Get()
  @Requires('jobs:read', ofValidation)
  @ApiOkResponse({ type: RuleSetListDto })
  async list(
    @Query() query: PageQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RuleSetListDto> {
    this.database.assertReady();
    const { limit, cursor } = query;
    const afterName = cursor === undefined ? '' : decodeCursor(cursor, 'string')[0].replaceAll('\0', '');
    const found = await this.ruleSets.list({ limit: limit + 1, afterName }, tenant);
    const items = found.slice(0, limit);
    const next = found.length > limit ? encodeCursor([items.at(-1)!.name]) : null;
    if (next !== null) reply.header('link', nextLink(PATH, query, next));
    return { items: items.map(entryView), next_cursor: next };
  }

  /** One rule set in its newest version. */
  @Get(':name')
  @Requires('jobs:read', ofValidation)
  @ApiOkResponse({ type: StoredRuleSetDto })
  @ApiProblems('rule_set_not_found')
  async read(
    @Param('name') name: string,
    @CurrentPrincipal() { tenant }: Principal,
  ): Promise<StoredRuleSetDto> {
    this.database.assertReady();
    const found = await this.ruleSets.find(name, tenant);
    if (found === undefined) throw problem('rule_set_not_found');
    return { ...entryView(found), definition: found.definition };
  }

  /** Forgets a rule set; runs that used it keep their rules. */
  @Audited('rule-sets.delete', { reason: 'always' })
  @Delete(':name')
  @Requires('jobs:write', ofValidation)
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiProblems('rule_set_not_found')
  async remove(@Param('name') name: string, @CurrentPrincipal() { tenant }: Principal): Promise<void> {
    this.database.assertReady();
    if (!(await this.ruleSets.remove(name, tenant))) throw problem('rule_set_not_found');
  }
}

function entryView({
  name,
  version,
  createdAt,
  updatedAt,
}: Omit<StoredRuleSet, 'definition'>): RuleSetEntryDto {
  return { name, version, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
