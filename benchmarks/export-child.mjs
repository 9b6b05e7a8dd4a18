// Writes the rows of a query to a file without Holdfast, in one of the ways that people do; tells the seconds and the memory.
import { createWriteStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';

const { variant, statement, file, databaseUrl, exceljsFrom } = JSON.parse(process.argv[2]);
const FETCHED = 5_000;
const client = new pg.Client({ connectionString: databaseUrl });
await client.connect();
await client.query(`SET TimeZone = 'UTC'; SET jit = off`);

async function* rowsOf() {
  await client.query(`BEGIN; DECLARE all_rows NO SCROLL CURSOR FOR ${statement}`);
  for (;;) {
    const { rows } = await client.query({ text: `FETCH ${FETCHED} FROM all_rows`, rowMode: 'array' });
    if (rows.length === 0) break;
    yield rows;
  }
  await client.query('COMMIT');
}

const cell = (value) =>
  value === null ? '' : /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : String(value);

const ways = {
  copy: () =>
    pipeline(
      client.query(copyTo(`COPY (${statement}) TO STDOUT WITH (FORMAT csv, HEADER true)`)),
      createWriteStream(file),
    ),
  cursor: () =>
    pipeline(async function* () {
      for await (const rows of rowsOf()) yield rows.map((row) => `${row.map(cell).join(',')}\n`).join('');
    }, createWriteStream(file)),
  exceljs: async () => {
    const { stream } = createRequire(exceljsFrom)('exceljs');
    const book = new stream.xlsx.WorkbookWriter({ filename: file });
    const sheet = book.addWorksheet('rows');
    for await (const rows of rowsOf()) for (const row of rows) sheet.addRow(row).commit();
    await book.commit();
  },
};

const startedAt = performance.now();
await ways[variant]();
const seconds = (performance.now() - startedAt) / 1_000;
await client.end();
const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
process.send({ seconds, megabytes: Number(kilobytes) / 1_024 });
process.disconnect();
