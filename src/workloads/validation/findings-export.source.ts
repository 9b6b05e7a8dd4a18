import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { ExportSource } from '../../platform/exports/export-source';
import { validationFindings as findings, validationRuns as runs } from './validation.tables';

/** What is wrong in the files of a tenant, row by row. */
@Injectable()
export class FindingsExportSource extends ExportSource {
  readonly name = 'validation-findings';
  readonly description = 'The findings of validations, with the file that each is about.';
  readonly rows = sql`${findings} JOIN ${runs} ON ${runs.id} = ${findings.runId}`;
  readonly tenant = sql`${runs.tenant}`;
  readonly order = sql`${runs.createdAt}, ${findings.runId}, ${findings.ordinal}`;

  readonly columns = {
    validationId: { type: 'text', value: sql`${findings.runId}::text` },
    fileName: { type: 'text', value: sql`${runs.fileName}` },
    row: { type: 'number', value: sql`${findings.rowNumber}` },
    line: { type: 'number', value: sql`${findings.lineNumber}` },
    column: { type: 'text', value: sql`${findings.columnName}` },
    rule: { type: 'text', value: sql`${findings.rule}` },
    severity: { type: 'text', value: sql`${findings.severity}` },
    message: { type: 'text', value: sql`${findings.message}` },
    value: { type: 'text', value: sql`${findings.value}` },
    validatedAt: { type: 'time', value: sql`${runs.finishedAt}` },
  } as const;

  readonly filters: ExportSource['filters'] = {
    validationId: { type: 'text', where: (value) => sql`${findings.runId}::text = lower(${value})` },
    fileName: { type: 'text', where: (value) => sql`${runs.fileName} = ${value}` },
    column: { type: 'text', where: (value) => sql`${findings.columnName} = ${value}` },
    rule: { type: 'text', where: (value) => sql`${findings.rule} = ${value}` },
    severity: { type: 'text', where: (value) => sql`${findings.severity} = ${value}` },
    validatedFrom: { type: 'time', where: (value) => sql`${runs.finishedAt} >= ${value}` },
    validatedBefore: { type: 'time', where: (value) => sql`${runs.finishedAt} < ${value}` },
  };
}
