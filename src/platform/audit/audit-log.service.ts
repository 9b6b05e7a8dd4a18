import { Injectable, Optional } from '@nestjs/common';
import { and, desc, eq, gt, gte, inArray, lt, lte, type SQL } from 'drizzle-orm';
import { Settings } from '../../config/settings';
import { Database, type Transaction } from '../database/database.service';
import { platformKey } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import { boundedEntry, CHAIN_START, hashOfRow, type AuditEntry } from './audit-entry';
import { auditEntries, auditHead, type AuditOutcome, type AuditRow } from './audit.tables';

const HEAD = 1;

// An older end never replaces a newer one.
const NOTE_HEAD = `
local seq = tonumber(redis.call('HGET', KEYS[1], 'seq') or 0)
if seq >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'seq', ARGV[1], 'hash', ARGV[2])
return 1
`;

/** An entry on its way into the chain. */
export interface WaitingEntry {
  readonly entry: AuditEntry;
  readonly spoolId?: string;
}

export interface AuditFilter {
  readonly tenant?: string;
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
  readonly outcome?: AuditOutcome;
  readonly from?: Date;
  readonly to?: Date;
}

/** The end of a chain. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

/** The chain of what people did, in PostgreSQL. Every method rejects while the database is away. */
@Injectable()
export class AuditLog {
  private readonly headKey: string;

  constructor(
    settings: Settings,
    private readonly database: Database,
    @Optional() private readonly connections?: RedisConnections,
  ) {
    this.headKey = platformKey(settings, 'audit:head');
  }

  /** Puts entries at the end of the chain, in their order; those that stand there already are left out. */
  async append(waiting: readonly WaitingEntry[]): Promise<void> {
    if (waiting.length === 0) return;
    this.database.assertReady();
    const head = await this.database.transaction((transaction) => chain(transaction, waiting));
    await this.noteHead(head);
  }

  /** The newest first, before a place in the chain; or the oldest first, after one. */
  async list(
    filter: AuditFilter,
    { limit, before, after }: { limit: number; before?: number; after?: number },
  ): Promise<AuditRow[]> {
    this.database.assertReady();
    const conditions = conditionsOf(filter);
    if (before !== undefined) conditions.push(lt(auditEntries.seq, before));
    if (after !== undefined) conditions.push(gt(auditEntries.seq, after));
    return this.database.query
      .select()
      .from(auditEntries)
      .where(and(...conditions))
      .orderBy(after === undefined ? desc(auditEntries.seq) : auditEntries.seq)
      .limit(limit);
  }

  /** Where the database says that the chain ends. */
  async head(): Promise<ChainHead> {
    this.database.assertReady();
    const [head] = await this.database.query.select().from(auditHead).where(eq(auditHead.id, HEAD));
    return head ?? { seq: 0, hash: CHAIN_START };
  }

  /** Where Redis says that it ends, or ended a moment ago; undefined when it does not know, or does not answer. */
  async headElsewhere(): Promise<ChainHead | undefined> {
    if (this.connections?.isReady() !== true) return undefined;
    const [seq, hash] = await this.connections.producer.hmget(this.headKey, 'seq', 'hash');
    return seq == null || hash == null ? undefined : { seq: Number(seq), hash };
  }

  private async noteHead({ seq, hash }: ChainHead): Promise<void> {
    if (this.connections?.isReady() !== true) return;
    // A help against a tail that is cut off; the chain itself does not need it.
    await this.connections.producer.eval(NOTE_HEAD, 1, this.headKey, seq, hash).catch(() => undefined);
  }
}

/** One transaction at a time adds to the chain: the row of its end is what they queue for. */
async function chain(transaction: Transaction, waiting: readonly WaitingEntry[]): Promise<ChainHead> {
  await transaction.insert(auditHead).values({ id: HEAD, seq: 0, hash: CHAIN_START }).onConflictDoNothing();
  const [head] = await transaction.select().from(auditHead).where(eq(auditHead.id, HEAD)).for('update');
  const known = await spooledBefore(transaction, waiting);
  let { seq, hash } = head!;
  const rows = waiting
    .filter(({ spoolId }) => spoolId === undefined || !known.has(spoolId))
    .map(({ entry, spoolId }) => {
      const bounded = boundedEntry(entry);
      seq += 1;
      hash = hashOfRow(hash, seq, bounded);
      return { ...bounded, at: new Date(bounded.at), seq, hash, spoolId: spoolId ?? null };
    });
  if (rows.length > 0) {
    await transaction.insert(auditEntries).values(rows);
    await transaction.update(auditHead).set({ seq, hash }).where(eq(auditHead.id, HEAD));
  }
  return { seq, hash };
}

async function spooledBefore(
  transaction: Transaction,
  waiting: readonly WaitingEntry[],
): Promise<ReadonlySet<string | null>> {
  const ids = waiting.flatMap(({ spoolId }) => (spoolId === undefined ? [] : [spoolId]));
  if (ids.length === 0) return new Set();
  const found = await transaction
    .select({ spoolId: auditEntries.spoolId })
    .from(auditEntries)
    .where(inArray(auditEntries.spoolId, ids));
  return new Set(found.map(({ spoolId }) => spoolId));
}

function conditionsOf({ tenant, actor, action, target, outcome, from, to }: AuditFilter): SQL[] {
  const conditions: SQL[] = [];
  if (tenant !== undefined) conditions.push(eq(auditEntries.tenant, tenant));
  if (actor !== undefined) conditions.push(eq(auditEntries.actor, actor));
  if (action !== undefined) conditions.push(eq(auditEntries.action, action));
  if (target !== undefined) conditions.push(eq(auditEntries.target, target));
  if (outcome !== undefined) conditions.push(eq(auditEntries.outcome, outcome));
  if (from !== undefined) conditions.push(gte(auditEntries.at, from));
  if (to !== undefined) conditions.push(lte(auditEntries.at, to));
  return conditions;
}
