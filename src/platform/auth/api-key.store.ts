import { Injectable } from '@nestjs/common';
import { and, desc, eq, isNull, sql, type SQL } from 'drizzle-orm';
import { Database } from '../database/database.service';
import { digestOf, isKeyId } from './api-key';
import { apiKeys, authFacts } from './auth.tables';

export type ApiKey = typeof apiKeys.$inferSelect;
export type NewApiKey = Pick<ApiKey, 'kid' | 'tenant' | 'name' | 'role' | 'grants' | 'createdBy'> &
  Partial<Pick<ApiKey, 'queues' | 'expiresAt' | 'requestsPerSecond' | 'jobsPerMinute'>>;
export type ApiKeyChange = Partial<
  Pick<ApiKey, 'name' | 'role' | 'queues' | 'grants' | 'expiresAt' | 'requestsPerSecond' | 'jobsPerMinute'>
>;

/** Where the next page of a list begins: right after this key. */
export type ApiKeyPosition = Pick<ApiKey, 'createdAt' | 'kid'>;

// Stays when every key is deleted: a server that was closed once does not open again by itself.
const HAD_A_KEY = 'had_a_key';

/** The API keys as PostgreSQL holds them. Every method rejects while the database is away. */
@Injectable()
export class ApiKeyStore {
  constructor(private readonly database: Database) {}

  /** Whether there is, or has ever been, a key. */
  async hasEverHadOne(): Promise<boolean> {
    this.database.assertReady();
    const found = await this.database.query.select().from(authFacts).where(eq(authFacts.name, HAD_A_KEY));
    return found.length > 0;
  }

  async find(kid: string): Promise<ApiKey | undefined> {
    if (!isKeyId(kid)) return undefined;
    this.database.assertReady();
    const [key] = await this.database.query.select().from(apiKeys).where(eq(apiKeys.kid, kid));
    return key;
  }

  /** Stores a key; of its secret only the hash. */
  async create(key: NewApiKey, secret: string): Promise<ApiKey> {
    this.database.assertReady();
    return this.database.transaction(async (transaction) => {
      const [created] = await transaction
        .insert(apiKeys)
        // In whole milliseconds, so that a cursor holds exactly what the table holds.
        .values({ ...key, secretHash: hashOf(secret), createdAt: new Date() })
        .returning();
      const since = created!.createdAt.toISOString();
      await transaction.insert(authFacts).values({ name: HAD_A_KEY, value: since }).onConflictDoNothing();
      return created!;
    });
  }

  /** Newest first; of all tenants where none is named. */
  async list(options: { limit: number; tenant?: string; after?: ApiKeyPosition }): Promise<ApiKey[]> {
    const { limit, tenant, after } = options;
    this.database.assertReady();
    const conditions: SQL[] = [];
    if (tenant !== undefined) conditions.push(eq(apiKeys.tenant, tenant));
    if (after !== undefined) {
      const at = after.createdAt.toISOString();
      conditions.push(sql`(${apiKeys.createdAt}, ${apiKeys.kid}) < (${at}::timestamptz, ${after.kid})`);
    }
    return this.database.query
      .select()
      .from(apiKeys)
      .where(and(...conditions))
      .orderBy(desc(apiKeys.createdAt), desc(apiKeys.kid))
      .limit(limit);
  }

  /** Undefined when the key is not there, or was revoked. */
  async change(kid: string, change: ApiKeyChange): Promise<ApiKey | undefined> {
    this.database.assertReady();
    return this.update(kid, change);
  }

  /** Gives the key another secret; the one it had goes on until `previousUntil`. Undefined as in {@link change}. */
  async rotate(kid: string, secret: string, previousUntil: Date): Promise<ApiKey | undefined> {
    this.database.assertReady();
    return this.update(kid, {
      previousSecretHash: sql`${apiKeys.secretHash}`,
      previousSecretUntil: previousUntil,
      secretHash: hashOf(secret),
    });
  }

  /** Undefined as in {@link change}. */
  async revoke(kid: string): Promise<ApiKey | undefined> {
    this.database.assertReady();
    return this.update(kid, { revokedAt: sql`now()` });
  }

  /** False when there is no such key. */
  async remove(kid: string): Promise<boolean> {
    this.database.assertReady();
    const removed = await this.database.query
      .delete(apiKeys)
      .where(eq(apiKeys.kid, kid))
      .returning({ kid: apiKeys.kid });
    return removed.length > 0;
  }

  /** Notes when each key was last used. */
  async markUsed(usedAt: ReadonlyMap<string, number>): Promise<void> {
    if (usedAt.size === 0) return;
    this.database.assertReady();
    const rows = [...usedAt].map(([kid, at]) => sql`(${kid}, ${new Date(at).toISOString()}::timestamptz)`);
    await this.database.query.execute(sql`
      UPDATE ${apiKeys} SET last_used_at = greatest(last_used_at, used.at)
      FROM (VALUES ${sql.join(rows, sql`, `)}) AS used (kid, at) WHERE ${apiKeys.kid} = used.kid`);
  }

  private async update(kid: string, change: Parameters<typeof this.setOf>[0]): Promise<ApiKey | undefined> {
    const [changed] = await this.database.query
      .update(apiKeys)
      .set(this.setOf(change))
      .where(and(eq(apiKeys.kid, kid), isNull(apiKeys.revokedAt)))
      .returning();
    return changed;
  }

  private setOf(change: { [Column in keyof ApiKey]?: ApiKey[Column] | SQL }) {
    // Also where nothing changes there has to be something to set.
    return { kid: sql`${apiKeys.kid}`, ...change } as never;
  }
}

function hashOf(secret: string): string {
  return digestOf(secret).toString('base64url');
}
