import { Injectable } from '@nestjs/common';
import { and, asc, desc, eq, getTableColumns, gt, inArray, isNull, lt, or, sql, type SQL } from 'drizzle-orm';
import { createHash } from 'node:crypto';
import { Database, type Transaction } from '../../platform/database/database.service';
import type { SecretPlace } from '../../platform/secrets/secret-box';
import { Secrets } from '../../platform/secrets/secrets.service';
import type { Inbox } from './notification-inbox';
import { pushSubscriptions, type PushSubscription } from './push-subscriptions.tables';

/** Of one user: a notification has no more pushes than that. */
export const MAX_PUSH_SUBSCRIPTIONS = 20;

/** What a browser says of itself, and needs nobody else to know. */
export interface PushAddress {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

export interface NewPushSubscription extends PushAddress {
  readonly tenant: string;
  readonly userId: string;
  readonly vapidKey: string;
  readonly expiresAt: Date | null;
  readonly createdBy: string;
}

/** Where the next page of a list begins: right after this row. */
export type SubscriptionPosition = Pick<PushSubscription, 'createdAt' | 'id'>;

/** The one id of an endpoint within a tenant. */
export function pushSubscriptionId(endpoint: string, tenant: string): string {
  return `push_${createHash('sha256').update(`${tenant}\0${endpoint}`).digest('base64url').slice(0, 22)}`;
}

export function isPushSubscriptionId(text: string): boolean {
  return /^push_[\w-]{22}$/.test(text);
}

/** The browsers of each user that have said last that they are there; where they are reached is sealed. */
@Injectable()
export class PushSubscriptions {
  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
  ) {}

  /**
   * Keeps a subscription, or renews the one of the same endpoint, which is from then on that of this user alone. The
   * one that was renewed longest ago makes room. Throws SecretKeysMissingError.
   */
  async put(
    subscription: NewPushSubscription,
  ): Promise<{ readonly subscription: PushSubscription; readonly isNew: boolean }> {
    const { endpoint, keys, tenant, userId, ...rest } = subscription;
    const id = pushSubscriptionId(endpoint, tenant);
    const address: PushAddress = { endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } };
    const sealed = this.secrets.require().seal(JSON.stringify(address), placeOf({ id, tenant }));
    const service = new URL(endpoint).origin;
    return this.database.transaction(async (transaction) => {
      // Two browsers of a user that come at once would not see each other, and both stay.
      await transaction.execute(
        sql`SELECT pg_advisory_xact_lock(hashtextextended(${`push ${tenant} ${userId}`}, 0))`,
      );
      const now = { renewedAt: sql`clock_timestamp()` };
      const [put] = await transaction
        .insert(pushSubscriptions)
        .values({ id, tenant, userId, service, sealed, ...rest, ...now })
        .onConflictDoUpdate({
          target: pushSubscriptions.id,
          set: { userId, sealed, vapidKey: rest.vapidKey, expiresAt: rest.expiresAt, ...now },
        })
        // A row that was there before has a transaction that has changed it.
        .returning({ ...getTableColumns(pushSubscriptions), isNew: sql<boolean>`xmax = 0` });
      await this.trim(transaction, { tenant, userId });
      const { isNew, ...row } = put!;
      return { subscription: row, isNew };
    });
  }

  /** Oldest first. */
  async list(options: {
    tenant: string;
    limit: number;
    userId?: string;
    after?: SubscriptionPosition;
  }): Promise<PushSubscription[]> {
    const { tenant, limit, userId, after } = options;
    const conditions: SQL[] = [eq(pushSubscriptions.tenant, tenant)];
    if (userId !== undefined) conditions.push(eq(pushSubscriptions.userId, userId));
    if (after !== undefined) {
      const at = after.createdAt.toISOString();
      conditions.push(
        sql`(${pushSubscriptions.createdAt}, ${pushSubscriptions.id}) > (${at}::timestamptz, ${after.id})`,
      );
    }
    return this.database.query
      .select()
      .from(pushSubscriptions)
      .where(and(...conditions))
      .orderBy(asc(pushSubscriptions.createdAt), asc(pushSubscriptions.id))
      .limit(limit);
  }

  /** Those of a user that the key may send to, the newest twenty. */
  async idsOf({ tenant, userId }: Inbox, vapidKey: string, transaction: Transaction): Promise<string[]> {
    const found = await transaction
      .select({ id: pushSubscriptions.id })
      .from(pushSubscriptions)
      .where(
        and(
          eq(pushSubscriptions.tenant, tenant),
          eq(pushSubscriptions.userId, userId),
          eq(pushSubscriptions.vapidKey, vapidKey),
          or(isNull(pushSubscriptions.expiresAt), gt(pushSubscriptions.expiresAt, sql`now()`)),
        ),
      )
      .orderBy(desc(pushSubscriptions.renewedAt), desc(pushSubscriptions.id))
      .limit(MAX_PUSH_SUBSCRIPTIONS);
    return found.map(({ id }) => id);
  }

  async find(id: string, tenant: string): Promise<PushSubscription | undefined> {
    if (!isPushSubscriptionId(id)) return undefined;
    const [found] = await this.database.query
      .select()
      .from(pushSubscriptions)
      .where(and(eq(pushSubscriptions.id, id), eq(pushSubscriptions.tenant, tenant)));
    return found;
  }

  /** Throws SecretUnreadableError, or SecretKeysMissingError. */
  addressOf(subscription: Pick<PushSubscription, 'id' | 'tenant' | 'sealed'>): PushAddress {
    return JSON.parse(this.secrets.require().open(subscription.sealed, placeOf(subscription))) as PushAddress;
  }

  /** False where there is none. */
  async remove(id: string, tenant: string): Promise<boolean> {
    if (!isPushSubscriptionId(id)) return false;
    const { rowCount } = await this.database.query
      .delete(pushSubscriptions)
      .where(and(eq(pushSubscriptions.id, id), eq(pushSubscriptions.tenant, tenant)));
    return (rowCount ?? 0) > 0;
  }

  /** Removes some of those whose browsers have said themselves that they end; resolves with their number. */
  async removeExpired(before: Date, limit: number): Promise<number> {
    const expired = this.database.query
      .select({ id: pushSubscriptions.id })
      .from(pushSubscriptions)
      .where(lt(pushSubscriptions.expiresAt, before))
      .limit(limit);
    const { rowCount } = await this.database.query
      .delete(pushSubscriptions)
      .where(inArray(pushSubscriptions.id, expired));
    return rowCount ?? 0;
  }

  private async trim(transaction: Transaction, { tenant, userId }: Inbox): Promise<void> {
    const old = transaction
      .select({ id: pushSubscriptions.id })
      .from(pushSubscriptions)
      .where(and(eq(pushSubscriptions.tenant, tenant), eq(pushSubscriptions.userId, userId)))
      .orderBy(desc(pushSubscriptions.renewedAt), desc(pushSubscriptions.id))
      .offset(MAX_PUSH_SUBSCRIPTIONS);
    await transaction.delete(pushSubscriptions).where(inArray(pushSubscriptions.id, old));
  }
}

/** One row's own: what is sealed in it opens in no other. */
function placeOf({ id, tenant }: Pick<PushSubscription, 'id' | 'tenant'>): SecretPlace {
  return { tenant, type: 'push-subscription', field: `address of ${id}` };
}
