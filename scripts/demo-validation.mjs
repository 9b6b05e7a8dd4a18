import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import Table from 'cli-table3';
import colors from 'picocolors';
import { followRun } from './demo-progress.mjs';
import { ValidationClient } from './validation-client.mjs';

const severityColors = { error: colors.red, warning: colors.yellow, info: colors.dim };

/** Uploads the example, shows its progress and what was found, and saves the report. */
export async function validateExample({ url, example, reportPath }) {
  const missing = Object.values(example).find((path) => !existsSync(path));
  if (missing !== undefined)
    throw new Error(`${missing} is missing: get it back with git checkout examples.`);
  const client = new ValidationClient(url);
  const rules = JSON.parse(await readFile(example.rules, 'utf8'));
  const { validationId } = await client.upload(example.file, rules);
  console.log(`Validating ${basename(example.file)} as run ${validationId}`);
  const run = await followRun(client, validationId);
  if (run.status !== 'completed') {
    throw new Error(`The validation ended as ${run.status}: ${run.errorMessage ?? 'no reason was given.'}`);
  }
  const { items } = await client.counts(validationId);
  await client.saveReport(validationId, reportPath);
  console.log(summaryTable(items));
  const { read, valid, invalid } = run.rows;
  const seconds = (Date.parse(run.finishedAt) - Date.parse(run.createdAt)) / 1000;
  console.log(`${read} rows read, ${valid} valid, ${invalid} invalid, in ${seconds.toFixed(1)} s`);
  console.log(`  Report     ${reportPath}`);
}

function summaryTable(items) {
  const table = new Table({
    head: ['rule', 'column', 'severity', 'count'],
    colAligns: ['left', 'left', 'left', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const { rule, column, severity, count } of items) {
    table.push([rule, column ?? '', (severityColors[severity] ?? String)(severity), count]);
  }
  return table.toString();
}
