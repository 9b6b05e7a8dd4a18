import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { ExportSource } from '../exports/export-source';
import { deadLetters as letters } from './dead-letter.tables';

const finishedAt = sql`to_timestamp(${letters.finishedAt} / 1000.0)`;

/** Every death that is remembered; never the payload, whose secrets are sealed in it. */
@Injectable()
export class DeadLettersExportSource extends ExportSource {
  readonly name = 'dead-letters';
  readonly description = 'The jobs that will not be tried again, and what was decided about them.';
  readonly rows = sql`${letters}`;
  readonly tenant = sql`${letters.tenant}`;
  readonly order = sql`${letters.finishedAt}, ${letters.id}`;

  readonly columns = {
    id: { type: 'text', value: sql`${letters.id}` },
    jobId: { type: 'text', value: sql`${letters.jobId}` },
    key: { type: 'text', value: sql`${letters.key}` },
    queue: { type: 'text', value: sql`${letters.queue}` },
    type: { type: 'text', value: sql`${letters.type}` },
    cause: { type: 'text', value: sql`${letters.cause}` },
    status: { type: 'text', value: sql`${letters.status}` },
    attemptsMade: { type: 'number', value: sql`${letters.attemptsMade}` },
    attemptsMax: { type: 'number', value: sql`${letters.attemptsMax}` },
    errorGroup: { type: 'text', value: sql`${letters.fingerprint}` },
    errorName: { type: 'text', value: sql`${letters.errorName}` },
    errorMessage: { type: 'text', value: sql`${letters.errorMessage}` },
    createdAt: { type: 'time', value: sql`${letters.createdAt}` },
    finishedAt: { type: 'time', value: finishedAt },
    parkedAt: { type: 'time', value: sql`${letters.parkedAt}` },
    changedAt: { type: 'time', value: sql`${letters.changedAt}` },
    changedBy: { type: 'text', value: sql`${letters.changedBy}` },
    changeReason: { type: 'text', value: sql`${letters.changeReason}` },
    redriveCount: { type: 'number', value: sql`${letters.redriveCount}` },
    redrivenAs: { type: 'text', value: sql`${letters.redrivenAs}` },
  } as const;

  readonly filters: ExportSource['filters'] = {
    queue: { type: 'text', where: (value) => sql`${letters.queue} = ${value}` },
    type: { type: 'text', where: (value) => sql`${letters.type} = ${value}` },
    cause: { type: 'text', where: (value) => sql`${letters.cause} = ${value}` },
    status: { type: 'text', where: (value) => sql`${letters.status} = ${value}` },
    errorGroup: { type: 'text', where: (value) => sql`${letters.fingerprint} = ${value}` },
    finishedFrom: { type: 'time', where: (value) => sql`${finishedAt} >= ${value}` },
    finishedBefore: { type: 'time', where: (value) => sql`${finishedAt} < ${value}` },
  };
}
