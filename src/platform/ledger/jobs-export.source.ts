import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { ExportSource } from '../exports/export-source';
import { ledgerJobs as jobs } from './ledger.tables';

/** The history: every job, with its result and its last error, never its payload. */
@Injectable()
export class JobsExportSource extends ExportSource {
  readonly name = 'jobs';
  readonly description = 'The history of all jobs.';
  readonly rows = sql`${jobs}`;
  readonly tenant = sql`${jobs.tenant}`;
  readonly order = sql`${jobs.createdAt}, ${jobs.id}`;

  readonly columns = {
    id: { type: 'text', value: sql`${jobs.id}` },
    key: { type: 'text', value: sql`${jobs.key}` },
    queue: { type: 'text', value: sql`${jobs.queue}` },
    type: { type: 'text', value: sql`${jobs.type}` },
    state: { type: 'text', value: sql`${jobs.state}` },
    priority: { type: 'text', value: sql`${jobs.priority}` },
    createdAt: { type: 'time', value: sql`${jobs.createdAt}` },
    runAt: { type: 'time', value: sql`${jobs.runAt}` },
    startedAt: { type: 'time', value: sql`${jobs.startedAt}` },
    finishedAt: { type: 'time', value: sql`${jobs.finishedAt}` },
    waitMs: { type: 'number', value: sql`${jobs.waitMs}` },
    runMs: { type: 'number', value: sql`${jobs.runMs}` },
    attemptsMade: { type: 'number', value: sql`${jobs.attemptsMade}` },
    attemptsMax: { type: 'number', value: sql`${jobs.attemptsMax}` },
    worker: { type: 'text', value: sql`${jobs.worker}` },
    caller: { type: 'text', value: sql`${jobs.caller}` },
    correlationId: { type: 'text', value: sql`${jobs.correlationId}` },
    generation: { type: 'number', value: sql`${jobs.generation}` },
    errorGroup: { type: 'text', value: sql`${jobs.errorGroup}` },
    errorName: { type: 'text', value: sql`${jobs.errorName}` },
    errorMessage: { type: 'text', value: sql`${jobs.errorMessage}` },
    result: { type: 'text', value: sql`${jobs.result}` },
    resultOmitted: { type: 'boolean', value: sql`${jobs.isResultOmitted}` },
  } as const;

  readonly filters: ExportSource['filters'] = {
    queue: { type: 'text', where: (value) => sql`${jobs.queue} = ${value}` },
    type: { type: 'text', where: (value) => sql`${jobs.type} = ${value}` },
    state: { type: 'text', where: (value) => sql`${jobs.state} = ${value}` },
    caller: { type: 'text', where: (value) => sql`${jobs.caller} = ${value}` },
    errorGroup: { type: 'text', where: (value) => sql`${jobs.errorGroup} = ${value}` },
    createdFrom: { type: 'time', where: (value) => sql`${jobs.createdAt} >= ${value}` },
    createdBefore: { type: 'time', where: (value) => sql`${jobs.createdAt} < ${value}` },
    finishedFrom: { type: 'time', where: (value) => sql`${jobs.finishedAt} >= ${value}` },
    finishedBefore: { type: 'time', where: (value) => sql`${jobs.finishedAt} < ${value}` },
    minRunMs: { type: 'number', where: (value) => sql`${jobs.runMs} >= ${value}` },
  };
}
