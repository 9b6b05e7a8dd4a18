import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { ExportSource } from '../../platform/exports/export-source';
import { feedItems as items } from './feeds.tables';

const { document } = items;

/** What feeds have brought, each item in its newest version. */
@Injectable()
export class ItemsExportSource extends ExportSource {
  readonly name = 'feed-items';
  readonly description = 'The items of feeds, with the source that each is from.';
  readonly rows = sql`${items}`;
  readonly tenant = sql`${items.tenant}`;
  readonly order = sql`${items.source}, ${items.datedAt}, ${items.number}, ${items.key}`;

  readonly columns = {
    source: { type: 'text', value: sql`${items.source}` },
    guid: { type: 'text', value: sql`${items.guid}` },
    title: { type: 'text', value: sql`${document} ->> 'title'` },
    link: { type: 'text', value: sql`${document} ->> 'link'` },
    summary: { type: 'text', value: sql`${document} #>> '{summary,value}'` },
    content: { type: 'text', value: sql`${document} #>> '{content,value}'` },
    categories: {
      type: 'text',
      value: sql`(SELECT string_agg(one, ', ') FROM jsonb_array_elements_text(${document} -> 'categories') AS one)`,
    },
    publishedAt: { type: 'time', value: sql`${items.datedAt}` },
    createdAt: { type: 'time', value: sql`${items.createdAt}` },
    updatedAt: { type: 'time', value: sql`${items.updatedAt}` },
  } as const;

  readonly filters: ExportSource['filters'] = {
    source: { type: 'text', where: (value) => sql`${items.source} = ${value}` },
    q: { type: 'text', where: (value) => sql`${items.search} @@ websearch_to_tsquery('simple', ${value})` },
    publishedFrom: { type: 'time', where: (value) => sql`${items.datedAt} >= ${value}` },
    publishedBefore: { type: 'time', where: (value) => sql`${items.datedAt} < ${value}` },
  };
}
