// DATA_EXPORT of the history beside COPY of the same query to a file, a cursor in JavaScript, and exceljs where it is.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { interleaved, JobCrew, startProgram } from './job-crew.mjs';
import { fillLedger } from './ledger-data.mjs';

const require = createRequire(import.meta.url);
const RSS_INTERVAL_MS = 50;
// exceljs would bring two hundred packages: a folder with it in its node_modules is named here, by whoever wants the comparison.
const exceljsFrom =
  process.env.EXCELJS_FROM === undefined ? undefined : join(process.env.EXCELJS_FROM, 'x.js');

/** The statement of an export, made by the code that makes it in the server. */
function statementOf(kind, filters) {
  const { JobsExportSource } = require('../dist/platform/ledger/jobs-export.source.js');
  const { ExportSources } = require('../dist/platform/exports/export-sources.service.js');
  const queries = require('../dist/workloads/tasks/data-export/export-query.js');
  const { PgDialect } = require('drizzle-orm/pg-core');
  const sources = new ExportSources({ getProviders: () => [{ instance: new JobsExportSource() }] });
  const selection = sources.select({ source: 'jobs', filters }, 'default');
  return new PgDialect().sqlToQuery(queries[kind](selection)).sql;
}

/** The same columns without the guard before formulas, and values as the driver of JavaScript reads them. */
function plainStatement(filters) {
  const { JobsExportSource } = require('../dist/platform/ledger/jobs-export.source.js');
  const { PgDialect } = require('drizzle-orm/pg-core');
  const { sql } = require('drizzle-orm');
  const source = new JobsExportSource();
  const values = Object.entries(source.columns).map(
    ([name, { value }]) => sql`${value} AS ${sql.identifier(name)}`,
  );
  const before = sql.raw(pg.escapeLiteral(filters.createdBefore));
  const where = sql`${source.tenant} = 'default' AND ${source.filters.createdBefore.where(before)}`;
  return new PgDialect().sqlToQuery(
    sql`SELECT ${sql.join(values, sql`, `)} FROM ${source.rows} WHERE ${where} ORDER BY ${source.order}`,
  ).sql;
}

export async function run({ rows = Number(process.env.BENCH_ROWS ?? 1_000_000), rounds = 3 } = {}) {
  const crew = await JobCrew.start();
  const client = new pg.Client({ connectionString: crew.stores.databaseUrl });
  try {
    await client.connect();
    await fillLedger(client, rows);
    const small = Math.floor(rows / 10);
    const at = async (offset) => {
      const { rows: found } = await client.query(
        'SELECT created_at FROM ledger_jobs ORDER BY created_at, id OFFSET $1 LIMIT 1',
        [offset],
      );
      return found[0]?.created_at.toISOString();
    };
    // The jobs of this very benchmark are left out.
    const sizes = {
      [small]: { createdBefore: await at(small) },
      [rows]: { createdBefore: await at(rows - 1) },
    };
    const holdfast = async (exportType, filters) => {
      let megabytes = 0;
      const sampler = setInterval(
        () => (megabytes = Math.max(megabytes, crew.workerMegabytes('VmRSS'))),
        RSS_INTERVAL_MS,
      );
      try {
        const { result, seconds } = await crew.runOne('data-export', 'DATA_EXPORT', { exportType, filters });
        await sleep(RSS_INTERVAL_MS);
        await fetch(`${crew.url}/api/files/${result.fileId}`, { method: 'DELETE' });
        return { seconds, megabytes, rows: result.rows };
      } finally {
        clearInterval(sampler);
      }
    };
    const without = async (variant, statement) => {
      const file = join(crew.home, `export-${variant}`);
      const settings = { variant, statement, file, databaseUrl: crew.stores.databaseUrl, exceljsFrom };
      return startProgram('export-child.mjs', settings).told;
    };
    const variants = Object.entries(sizes).flatMap(([size, filters]) => [
      [`copy ${size}`, () => without('copy', statementOf('csvQuery', filters))],
      [`cursor ${size}`, () => without('cursor', statementOf('csvQuery', filters))],
      [`csv ${size}`, () => holdfast('csv', filters)],
      ...(exceljsFrom === undefined
        ? []
        : [[`exceljs ${size}`, () => without('exceljs', plainStatement(filters))]]),
      [`xlsx ${size}`, () => holdfast('xlsx', filters)],
    ]);
    await holdfast('csv', sizes[small]);
    const measured = await interleaved(rounds, Object.fromEntries(variants), (told) =>
      Object.fromEntries(
        Object.keys(sizes).flatMap((size) => {
          const of = (name) => told[`${name} ${size}`];
          const speed = (name) => of('csv').rows / of(name).seconds;
          const label = `${Number(size).toLocaleString('en')} rows`;
          return [
            [`${label}: COPY of the same query to a file, rows/s`, speed('copy')],
            [`${label}: cursor and join in JavaScript, rows/s`, speed('cursor')],
            [`${label}: DATA_EXPORT csv, rows/s`, speed('csv')],
            [`${label}: ratio of csv to COPY`, of('copy').seconds / of('csv').seconds],
            [`${label}: worker while it writes csv, resident MB`, of('csv').megabytes],
            ...(exceljsFrom === undefined
              ? []
              : [
                  [`${label}: exceljs streaming, rows/s`, speed('exceljs')],
                  [`${label}: exceljs streaming, peak resident MB`, of('exceljs').megabytes],
                  [`${label}: ratio of xlsx to exceljs`, of('exceljs').seconds / of('xlsx').seconds],
                ]),
            [`${label}: DATA_EXPORT xlsx, rows/s`, speed('xlsx')],
            [`${label}: worker while it writes xlsx, resident MB`, of('xlsx').megabytes],
          ];
        }),
      ),
    );
    return {
      title: `Export of the history, ${small.toLocaleString('en')} and ${rows.toLocaleString('en')} rows × 23 columns, ${rounds} rounds`,
      measured,
      notes: [
        'Holdfast from the stored job to its end: picked up, planned, copied, hashed, flushed to the disk, noted in PostgreSQL',
        ...(exceljsFrom === undefined
          ? ['exceljs was not there: EXCELJS_FROM names a folder that has it']
          : []),
      ],
    };
  } finally {
    await client.end().catch(() => undefined);
    await crew.stop();
  }
}
