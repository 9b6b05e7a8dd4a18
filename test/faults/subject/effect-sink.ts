import { Pool } from 'pg';

/** The tables of the sink; no constraint, so that an effect that happens twice is seen twice. */
export const sinkTables = `
  CREATE TABLE chaos_starts (key text NOT NULL, pid integer NOT NULL, at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE chaos_effects (key text NOT NULL, pid integer NOT NULL, at timestamptz NOT NULL DEFAULT now());
`;

/** Where jobs leave what they have done: outside the Redis that is being broken. */
export class EffectSink {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool({ connectionString: url, max: 5 });
    this.pool.on('error', () => undefined);
  }

  /** Notes a start, and resolves with its number, from 1. */
  async start(key: string): Promise<number> {
    const { rows } = await this.pool.query<{ starts: number }>(
      `WITH noted AS (INSERT INTO chaos_starts (key, pid) VALUES ($1, $2))
       SELECT count(*)::int + 1 AS starts FROM chaos_starts WHERE key = $1`,
      [key, process.pid],
    );
    return rows[0]?.starts ?? 1;
  }

  async effect(key: string): Promise<void> {
    await this.pool.query('INSERT INTO chaos_effects (key, pid) VALUES ($1, $2)', [key, process.pid]);
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}
