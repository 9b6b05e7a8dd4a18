import type { RedisProcess } from '../support/redis-process';
import { query } from './database-client';
import type { ChaosPayload } from './subject/chaos.payload';

export interface Order {
  readonly payload: ChaosPayload;
  readonly options?: Record<string, unknown>;
  /** Sent along where the subject understands it; a caller who repeats an order repeats this, too. */
  readonly idempotencyKey?: string;
}

/** What a caller was told; a call that was not answered in time has no status. */
export interface Answered {
  readonly outcome: 'accepted' | 'refused' | 'unknown';
  readonly id?: string;
  readonly status?: number;
  /** The code of the problem. */
  readonly code?: string;
}

/** What the fault tests break: Holdfast, and beside it what one gets without it. */
export interface Subject {
  readonly name: 'holdfast' | 'naive';
  /** Whether its Redis runs as it comes out of the package, which is what nobody thinks about. */
  readonly hasDefaultRedis: boolean;
  /** The request that places an order; the answer is read by {@link Subject.read}. */
  request(order: Order): { readonly path: string; readonly body: object; readonly headers?: object };
  read(status: number, body: Record<string, unknown>): Answered;
  /** The ids of jobs that died, as the people who look after them see it. */
  deadIds(redis: RedisProcess, databaseUrl: string): Promise<ReadonlySet<string>>;
}

export const holdfast: Subject = {
  name: 'holdfast',
  hasDefaultRedis: false,
  request: ({ payload, options, idempotencyKey }) => ({
    path: '/api/queue/jobs',
    body: { type: 'chaos-job', data: payload, options: { jobId: payload.key, ...options } },
    ...(idempotencyKey !== undefined && { headers: { 'idempotency-key': idempotencyKey } }),
  }),
  read: (status, body) => {
    if (status < 300) return { outcome: 'accepted', id: String(body['id']), status };
    const code = String(body['code']);
    return { outcome: code === 'enqueue_outcome_unknown' ? 'unknown' : 'refused', status, code };
  },
  deadIds: async (redis, databaseUrl) => {
    const [table] = await query<{ name: string | null }>(
      databaseUrl,
      `SELECT to_regclass('dead_letters')::text AS name`,
    );
    if (table?.name == null) {
      return new Set(await redis.query((client) => client.zrange('bull:chaos:failed', '0', '-1')));
    }
    const rows = await query<{ job_id: string }>(
      databaseUrl,
      "SELECT job_id FROM dead_letters WHERE status IN ('dead', 'redriving', 'discarded')",
    );
    return new Set(rows.map((row) => row.job_id));
  },
};

export const naive: Subject = {
  name: 'naive',
  hasDefaultRedis: true,
  request: ({ payload, options }) => ({ path: '/jobs', body: { data: payload, options } }),
  read: (status, body) =>
    status < 300 ? { outcome: 'accepted', id: String(body['id']), status } : { outcome: 'refused', status },
  deadIds: async (redis) => {
    const entries = await redis.query(async (client) => {
      const ids = await client.lrange('bull:chaos_dlq:wait', 0, -1);
      return await Promise.all(ids.map((id) => client.hget(`bull:chaos_dlq:${id}`, 'data')));
    });
    return new Set(entries.map((data) => String((JSON.parse(data ?? '{}') as { id?: string }).id)));
  },
};
