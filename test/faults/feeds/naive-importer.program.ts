// The worker as document 003 writes it: a job is done when its item is in the buffer, and the buffer is stored later.
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { Pool } from 'pg';

interface Item {
  readonly source: string;
  readonly guid: string;
}

const { REDIS_URL = '', DATABASE_URL, BATCH_SIZE = '100', FLUSH_MS = '3000' } = process.env;
const pool = new Pool({ connectionString: DATABASE_URL });
const buffer: Item[] = [];

async function flush(): Promise<void> {
  const items = buffer.splice(0);
  if (items.length === 0) return;
  await pool.query(
    'INSERT INTO naive_items (source, guid) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING',
    [items.map(({ source }) => source), items.map(({ guid }) => guid)],
  );
}

async function main(): Promise<void> {
  await pool.query(
    'CREATE TABLE IF NOT EXISTS naive_items (source text, guid text, PRIMARY KEY (source, guid))',
  );
  setInterval(() => void flush(), Number(FLUSH_MS));
  const worker = new Worker<Item>(
    'naive-import',
    async ({ data }) => {
      buffer.push(data);
      if (buffer.length >= Number(BATCH_SIZE)) await flush();
    },
    {
      connection: new Redis(REDIS_URL, { maxRetriesPerRequest: null }),
      concurrency: 10,
      limiter: { max: 100, duration: 1_000 },
      lockDuration: 1_000,
      stalledInterval: 1_000,
    },
  );
  await worker.waitUntilReady();
  process.stdout.write('ready on http://127.0.0.1:1\n');
}

void main();
