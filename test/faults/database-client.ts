import { Client } from 'pg';

/** How many rows a run has in the database, and how many different ones. */
export async function storedRows(url: string, runId: string): Promise<{ all: number; distinct: number }> {
  const [counts] = await query<{ all: number; distinct: number }>(
    url,
    'SELECT count(*)::int AS all, count(DISTINCT row_number)::int AS distinct FROM validation_rows WHERE run_id = $1',
    [runId],
  );
  return counts ?? { all: 0, distinct: 0 };
}

/** Asks over a connection of its own. */
export async function query<T extends object>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Holds every validation up before its end, until the function it resolves with is called. */
export async function holdValidationsUp(url: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: url });
  // It may die with the server, which releases the lock as well.
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE validation_findings IN EXCLUSIVE MODE');
  return () => client.end().catch(() => undefined);
}
