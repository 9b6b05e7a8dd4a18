import { Injectable } from '@nestjs/common';
import { and, asc, desc, eq, sql, type SQL } from 'drizzle-orm';
import type { BrokerActivity, BrokerPosition } from '../../integrations/broker/broker-activity';
import { Database, type Transaction } from '../../platform/database/database.service';
import { brokerActivities } from './brokerage.tables';

export type StoredActivity = typeof brokerActivities.$inferSelect;

/** Whose activities they are, and where they come from. */
export interface ActivityOwner {
  readonly tenant: string;
  readonly userId: string;
  readonly source: string;
}

export interface StoredCounts {
  readonly inserted: number;
  readonly updated: number;
}

/** Right before or after an activity, in the order of time. */
export interface ActivityPosition {
  readonly occurredAt: Date;
  readonly source: string;
  readonly externalId: string;
}

/** The source of what came in files. */
export const IMPORT_SOURCE = 'import';

/** Everything that happened in the accounts of users. */
@Injectable()
export class ActivityStore {
  constructor(private readonly database: Database) {}

  /** Writes a page in one statement; what is there already and the same is not touched. */
  async upsert(
    transaction: Pick<Transaction, 'execute'>,
    owner: ActivityOwner,
    activities: readonly BrokerActivity[],
  ): Promise<StoredCounts> {
    const { rows } = await transaction.execute<{ inserted: boolean }>(sql`
      INSERT INTO ${brokerActivities} AS held (${columns})
      ${selected(owner, activities)}
      ON CONFLICT (tenant, user_id, source, external_id) DO UPDATE SET
        kind = excluded.kind, type = excluded.type, symbol = excluded.symbol, side = excluded.side,
        quantity = excluded.quantity, price = excluded.price, cash = excluded.cash, fee = excluded.fee,
        currency = excluded.currency, occurred_at = excluded.occurred_at, stored_at = now()
      WHERE (held.kind, held.type, held.symbol, held.side, held.quantity, held.price, held.cash, held.fee,
          held.currency, held.occurred_at)
        IS DISTINCT FROM (excluded.kind, excluded.type, excluded.symbol, excluded.side, excluded.quantity,
          excluded.price, excluded.cash, excluded.fee, excluded.currency, excluded.occurred_at)
      RETURNING xmax = 0 AS inserted`);
    const inserted = rows.filter((row) => row.inserted).length;
    return { inserted, updated: rows.length - inserted };
  }

  /** Writes those that are not there yet, in one statement; resolves with their number. */
  async insertNew(
    transaction: Pick<Transaction, 'execute'>,
    owner: ActivityOwner,
    activities: readonly BrokerActivity[],
  ): Promise<number> {
    const { rowCount } = await transaction.execute(sql`
      INSERT INTO ${brokerActivities} (${columns})
      ${selected(owner, activities)}
      ON CONFLICT (tenant, user_id, source, external_id) DO NOTHING`);
    return rowCount ?? 0;
  }

  /** What the activities of a source make of each position, exact; those that are closed are left out. */
  async positions({ tenant, userId, source }: ActivityOwner): Promise<BrokerPosition[]> {
    const { rows } = await this.database.query.execute<{ symbol: string; quantity: string }>(sql`
      SELECT symbol, trim_scale(sum(quantity))::text AS quantity
      FROM ${brokerActivities}
      WHERE tenant = ${tenant} AND user_id = ${userId} AND source = ${source}
        AND symbol IS NOT NULL AND quantity IS NOT NULL
      GROUP BY symbol
      HAVING sum(quantity) <> 0`);
    return rows;
  }

  /** Newest first, of one source. */
  async newest(
    { tenant, userId, source }: ActivityOwner,
    { limit, before }: { readonly limit: number; readonly before?: ActivityPosition },
  ): Promise<StoredActivity[]> {
    const conditions: SQL[] = [
      eq(brokerActivities.tenant, tenant),
      eq(brokerActivities.userId, userId),
      eq(brokerActivities.source, source),
    ];
    if (before !== undefined) conditions.push(sql`${place} < ${placeOf(before)}`);
    return this.database.query
      .select()
      .from(brokerActivities)
      .where(and(...conditions))
      .orderBy(
        desc(brokerActivities.occurredAt),
        desc(brokerActivities.source),
        desc(brokerActivities.externalId),
      )
      .limit(limit);
  }

  /** Whatever changes positions of a user, oldest first. */
  async movements(
    { tenant, userId }: Pick<ActivityOwner, 'tenant' | 'userId'>,
    {
      limit,
      after,
      until,
    }: { readonly limit: number; readonly after?: ActivityPosition; readonly until?: Date },
  ): Promise<StoredActivity[]> {
    const conditions: SQL[] = [
      eq(brokerActivities.tenant, tenant),
      eq(brokerActivities.userId, userId),
      sql`${brokerActivities.quantity} IS NOT NULL`,
    ];
    if (after !== undefined) conditions.push(sql`${place} > ${placeOf(after)}`);
    if (until !== undefined)
      conditions.push(sql`${brokerActivities.occurredAt} < ${until.toISOString()}::timestamptz`);
    return this.database.query
      .select()
      .from(brokerActivities)
      .where(and(...conditions))
      .orderBy(
        asc(brokerActivities.occurredAt),
        asc(brokerActivities.source),
        asc(brokerActivities.externalId),
      )
      .limit(limit);
  }
}

const place = sql`(${brokerActivities.occurredAt}, ${brokerActivities.source}, ${brokerActivities.externalId})`;

function placeOf({ occurredAt, source, externalId }: ActivityPosition): SQL {
  return sql`(${occurredAt.toISOString()}::timestamptz, ${source}, ${externalId})`;
}

const columns = sql.raw(
  'tenant, user_id, source, external_id, kind, type, symbol, side, quantity, price, cash, fee, currency, occurred_at',
);

/** One parameter for a whole page; of an activity that stands there twice the last one holds. */
function selected({ tenant, userId, source }: ActivityOwner, activities: readonly BrokerActivity[]): SQL {
  const byId = new Map(activities.map((activity) => [activity.externalId, activity]));
  const json = JSON.stringify([...byId.values()]);
  return sql`
    SELECT ${tenant}::text, ${userId}::text, ${source}::text, "externalId", kind, type, symbol, side, quantity, price,
      cash, fee, currency, "occurredAt"
    FROM jsonb_to_recordset(${json}::jsonb) AS page("externalId" text, kind text, type text, symbol text, side text,
      quantity numeric, price numeric, cash numeric, fee numeric, currency text, "occurredAt" timestamptz(3))`;
}
