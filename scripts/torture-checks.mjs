import pg from 'pg';

const findingKey = ({ rule, column, severity }) => `${column} ${rule} ${severity}`;

/** Compares a finished run with the truth about its file; resolves with what is doubled, lost or otherwise wrong. */
export async function checkRun({ client, databaseUrl, id, truth }) {
  const deviations = [];
  const { rows } = await client.read(id);
  for (const [name, expected] of Object.entries(truth.rows)) {
    if (rows[name] !== expected) deviations.push(`rows.${name} is ${rows[name]} instead of ${expected}`);
  }
  deviations.push(...compareFindings(await countsOf(client, id), truth.findings));
  const stored = await countStoredRows(databaseUrl, id);
  const reported = (await countLines(await client.report(id))) - 1;
  if (reported !== truth.rows.read)
    deviations.push(`the report has ${reported} rows instead of ${truth.rows.read}`);
  const doubled = stored.all - stored.distinct;
  const lost = truth.rows.read - stored.distinct;
  if (doubled !== 0) deviations.push(`${doubled} rows are stored twice`);
  if (lost !== 0) deviations.push(`${lost} rows are not stored`);
  return { rows: stored.all, doubled, lost, deviations };
}

async function countsOf(client, id) {
  return (await client.counts(id)).items;
}

function compareFindings(found, expected) {
  const counts = new Map(found.map((finding) => [findingKey(finding), finding.count]));
  const wrong = expected
    .filter((finding) => counts.get(findingKey(finding)) !== finding.count)
    .map(
      (finding) =>
        `${findingKey(finding)} was found ${counts.get(findingKey(finding)) ?? 0} times instead of ${finding.count}`,
    );
  const planted = new Set(expected.map(findingKey));
  const unexpected = [...counts.keys()].filter((key) => !planted.has(key));
  return [...wrong, ...unexpected.map((key) => `${key} was found, which nobody planted`)];
}

async function countLines(stream) {
  let lines = 0;
  for await (const chunk of stream) {
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++;
  }
  return lines;
}

async function countStoredRows(connectionString, id) {
  const database = new pg.Client({ connectionString });
  await database.connect();
  try {
    const { rows } = await database.query(
      'SELECT count(*)::int AS all, count(DISTINCT row_number)::int AS distinct FROM validation_rows WHERE run_id = $1',
      [id],
    );
    return rows[0];
  } finally {
    await database.end();
  }
}
