import { Injectable } from '@nestjs/common';
import { addAbortSignal, pipeline, type Readable, type Transform } from 'node:stream';
import { WorkbookWriter, type CellRows } from '../../../integrations/xlsx/workbook-writer';
import { Settings } from '../../../config/settings';
import { copyOut, type CopiedRows } from '../../../platform/database/copy-out';
import { Database } from '../../../platform/database/database.service';
import { ExportSources, type ExportSelection } from '../../../platform/exports/export-sources.service';
import { newFileId } from '../../../platform/files/file-id';
import { FileQuotaError, Files } from '../../../platform/files/files.service';
import type { FileRecord } from '../../../platform/files/files.tables';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { FileTooLargeError } from '../../../platform/storage/durable-file-writer';
import type { DataExportPayload } from './data-export.payload';
import { asJsonArray, formatOf, rowGroups, withByteOrderMark } from './export-formats';
import { RowTally, type ReportExportProgress } from './export-progress';
import { wishOf } from './export-wish';

/** The job on whose behalf a file is written. */
export interface ExportJob {
  readonly id: string;
  readonly tenant: string;
  readonly caller: string;
  readonly createdAt: Date;
  readonly report: ReportExportProgress;
}

export interface DataExportResult {
  readonly fileId: string;
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  /** Of the file, in hexadecimal. */
  readonly sha256: string;
  readonly contentType: string;
  /** ISO 8601. */
  readonly expiresAt: string;
  /** How many texts were longer than a cell of Excel can be; absent when there was none. */
  readonly cutTexts?: number;
  /** `share` takes a POST and makes a link that needs no key. */
  readonly links: { readonly download: string; readonly share: string };
}

interface Encoding {
  readonly bytes: Readable;
  readonly cutTexts: () => number;
}

/** Writes the rows of a source into a file: whole, or not at all. */
@Injectable()
export class DataExportService {
  constructor(
    private readonly sources: ExportSources,
    private readonly files: Files,
    private readonly database: Database,
    private readonly settings: Settings,
  ) {}

  async run(payload: DataExportPayload, job: ExportJob, signal: AbortSignal): Promise<DataExportResult> {
    const selection = this.select(payload, job.tenant);
    const { query, copy } = formatOf(payload);
    const { connectionString } = this.database;
    return copyOut(connectionString, query(selection), copy, signal, (copied) =>
      this.write(payload, selection, job, copied, signal),
    );
  }

  private select(payload: DataExportPayload, tenant: string): ExportSelection {
    const wish = wishOf(payload);
    const problems = this.sources.problemsOf(wish);
    // They were checked when the job was added: since then, or in this process, a name has gone.
    if (problems.length > 0) {
      throw new HopelessJobError(problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; '));
    }
    return this.sources.select(wish, tenant);
  }

  private async write(
    payload: DataExportPayload,
    selection: ExportSelection,
    job: ExportJob,
    copied: CopiedRows,
    signal: AbortSignal,
  ): Promise<DataExportResult> {
    const tally = new RowTally(copied.expectedRows, job.report);
    const { bytes, cutTexts } = encoded(payload, selection, job, chained(copied.bytes, tally.count()));
    const record = await this.store(payload, selection, job, addAbortSignal(signal, bytes));
    if (signal.aborted) {
      await this.files.remove(record.id, job.tenant);
      signal.throwIfAborted();
    }
    await tally.finish(copied.rows());
    return resultOf(record, copied.rows(), cutTexts());
  }

  private async store(
    payload: DataExportPayload,
    { source }: ExportSelection,
    { id, tenant, caller, createdAt }: ExportJob,
    bytes: Readable,
  ): Promise<FileRecord> {
    const { contentType, extension } = formatOf(payload);
    const moment = createdAt.toISOString().slice(0, 19).replaceAll(':', '-');
    const name = `${source.name}-${moment}Z.${extension}`;
    try {
      // The same id each time, so that the file of an earlier start is replaced by that of the last one.
      const file = {
        id: newFileId(`data-export\0${id}`),
        tenant,
        name,
        contentType,
        createdBy: caller,
        jobId: id,
      };
      return await this.files.create(file, bytes, this.settings.EXPORT_MAX_BYTES);
    } catch (error) {
      // Fewer rows or columns, or room for them, come from a person only.
      if (!(error instanceof FileQuotaError || error instanceof FileTooLargeError)) throw error;
      throw new HopelessJobError(`${error.message} Export less, or raise the limit.`);
    }
  }
}

function encoded(
  { exportType, format, bom }: DataExportPayload,
  { source, columns }: ExportSelection,
  { createdAt }: ExportJob,
  bytes: Readable,
): Encoding {
  if (exportType === 'xlsx') {
    const options = { name: source.name.slice(0, 25), columns, modifiedAt: createdAt };
    const writer = new WorkbookWriter(rowGroups<CellRows[number]>(bytes), options);
    return { bytes: writer.stream(), cutTexts: () => writer.cutTexts };
  }
  const cutTexts = () => 0;
  if (exportType === 'json' && format !== 'ndjson') return { bytes: chained(bytes, asJsonArray()), cutTexts };
  if (exportType === 'csv' && bom === true) return { bytes: chained(bytes, withByteOrderMark()), cutTexts };
  return { bytes, cutTexts };
}

/** The failure of one reaches whoever reads the other, and its end the one before. */
function chained(source: Readable, transform: Transform): Readable {
  return pipeline(source, transform, () => undefined);
}

function resultOf(record: FileRecord, rows: number, cutTexts: number): DataExportResult {
  const { id, name, bytes, sha256, contentType, expiresAt } = record;
  return {
    fileId: id,
    name,
    rows,
    bytes,
    sha256,
    contentType,
    expiresAt: expiresAt.toISOString(),
    ...(cutTexts > 0 && { cutTexts }),
    links: { download: `/api/files/${id}/content`, share: `/api/files/${id}/links` },
  };
}
