import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { feedQueueName } from '../../config/feed-queue-name';
import { CurrentPrincipal, type Principal } from '../../platform/auth/principal';
import { always } from '../../platform/auth/queue-of';
import { Requires } from '../../platform/auth/route-access';
import { Database } from '../../platform/database/database.service';
import { timePlaceIn, encodeCursor, nextLink } from '../../platform/http/cursor';
import { ApiProblems } from '../../platform/problems/api-problems.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { FeedItems, type FoundItem, type ItemPosition } from '../../workloads/feeds/feed-items.store';
import { ItemDto, ItemListDto, ItemSearchQueryDto, WholeItemDto } from './item.dto';

const PATH = '/api/items';
const keyShape = /^[A-Za-z0-9_-]{22}$/;
// The number of an item, of no more digits than a number of JavaScript holds, and its key.
const placeShape = /^\d{1,15} [A-Za-z0-9_-]{22}$/;
const ofFeeds = always(feedQueueName);

/** What feeds have brought. */
@ApiTags('items')
@Controller(PATH.slice(1))
export class ItemsController {
  constructor(
    private readonly found: FeedItems,
    private readonly database: Database,
  ) {}

  /** Items by words, source and date, the newest first; their documents one by one. */
  @Get()
  @Requires(['jobs:read', 'payloads:read'], ofFeeds)
  @ApiOkResponse({ type: ItemListDto })
  @ApiProblems('query_invalid', 'cursor_invalid')
  async search(
    @Query() query: ItemSearchQueryDto,
    @CurrentPrincipal() { tenant }: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ItemListDto> {
    this.database.assertReady();
    const { q, source, from, to, limit, cursor } = query;
    const place = cursor === undefined ? undefined : timePlaceIn(cursor, (id) => placeShape.test(id));
    const found = await this.found.search(
      tenant,
      {
        ...(q !== undefined && { q }),
        ...(source !== undefined && { source }),
        ...(from !== undefined && { from: new Date(from) }),
        ...(to !== undefined && { to: new Date(to) }),
      },
      limit + 1,
      place && positionOf(place),
    );
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const next =
      found.length > limit ? encodeCursor([last!.datedAt.getTime(), `${last!.number} ${last!.key}`]) : null;
    if (next !== null) reply.header('link', nextLink(PATH, query, next));
    return { items: items.map(itemView), next_cursor: next };
  }

  /** One item with its document. */
  @Get(':key')
  @Requires(['jobs:read', 'payloads:read'], ofFeeds)
  @ApiOkResponse({ type: WholeItemDto })
  @ApiProblems('item_not_found')
  async read(@Param('key') key: string, @CurrentPrincipal() { tenant }: Principal): Promise<WholeItemDto> {
    this.database.assertReady();
    const item = keyShape.test(key) ? await this.found.find(key, tenant) : undefined;
    if (item === undefined) throw problem('item_not_found');
    return { ...itemView(item), document: item.document };
  }
}

function positionOf({ at, id }: { readonly at: Date; readonly id: string }): ItemPosition {
  const [number, key] = id.split(' ');
  return { datedAt: at, number: Number(number), key: key! };
}

function itemView({
  key,
  source,
  guid,
  document,
  datedAt,
  createdAt,
  updatedAt,
  importId,
}: FoundItem): ItemDto {
  return {
    key,
    source,
    guid,
    importId,
    title: document.title,
    link: document.link,
    datedAt: datedAt.toISOString(),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    links: { self: `${PATH}/${key}`, import: `/api/imports/${importId}` },
  };
}
