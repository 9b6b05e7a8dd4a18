// A million past jobs, made by PostgreSQL itself: thirty days, six queues, twelve types, one in twenty failed.
const DAYS = 30;

/** Partitions as the server makes them, and rows from a fixed seed. */
export async function fillLedger(client, rows) {
  await client.query('SET statement_timeout = 0');
  for (let back = 0; back <= DAYS; back += 1) {
    const day = new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
    const name = day.replaceAll('-', '');
    for (const table of ['ledger_jobs', 'ledger_attempts']) {
      await client.query(
        `CREATE TABLE IF NOT EXISTS ${table}_${name} PARTITION OF ${table} FOR VALUES FROM ('${day} 00:00+00') TO (('${day} 00:00+00'::timestamptz + interval '1 day'))`,
      );
    }
  }
  await client.query('SELECT setseed(0.42)');
  const step = 100_000;
  for (let from = 0; from < rows; from += step)
    await client.query(insertion, [from, from + step - 1, rows, DAYS]);
  await client.query('VACUUM (ANALYZE) ledger_jobs');
}

const insertion = `
INSERT INTO ledger_jobs (id, created_at, tenant, queue, type, key, state, priority, started_at, finished_at, wait_ms,
  run_ms, attempts_made, attempts_max, starts, worker, error_group, error_name, error_message, result, result_omitted,
  terms, correlation_id, generation, version, observed_at)
SELECT
  'queue' || q || '_' || substr(translate(encode(sha256(n::text::bytea), 'base64'), '+/=', '-_A'), 1, 22),
  at, 'default', 'queue' || q, 'type-' || q || '-' || (n % 2),
  CASE WHEN n % 2 = 0 THEN 'order-' || n END,
  state, 'normal', at + interval '1 second', CASE WHEN state IN ('completed', 'failed') THEN at + interval '3 seconds' END,
  1000, 2000, 1, 3, 1, 'worker-' || n % 8,
  CASE WHEN state = 'failed' THEN substr(md5((n % 211)::text), 1, 16) END,
  CASE WHEN state = 'failed' THEN 'Error' END,
  CASE WHEN state = 'failed' THEN 'fault number ' || n % 211 || ' of order ' || n || ': the ' ||
    (ARRAY['mailbox','supplier','payment','address','printer','session','voucher'])[1 + n % 7] || ' did not answer in time' END,
  CASE WHEN state = 'completed' THEN '{"stored":' || n || '}' END, false,
  CASE WHEN n % 3 = 0 THEN ARRAY['t:' || (ARRAY['nightly','retry','import','vip'])[1 + n % 4], 'p:customer=c' || n % 50000] END,
  'c-' || n, 0, 1, 0
FROM (
  SELECT n, least(5, floor(-ln(1 - random() * 0.9999) * 1.2))::int AS q,
    date_trunc('milliseconds', now() - make_interval(secs => $4::int * 86400.0 * ($3::float8 - n) / $3)) AS at,
    CASE WHEN n % 20 = 7 THEN 'failed' WHEN n % 100 = 3 THEN 'waiting' WHEN n % 1000 = 5 THEN 'cancelled' ELSE 'completed' END AS state
  FROM generate_series($1::int, $2::int) AS n
) AS made`;
