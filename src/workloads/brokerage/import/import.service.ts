import { Injectable } from '@nestjs/common';
import type { BrokerActivity } from '../../../integrations/broker/broker-activity';
import { UnreadableFileError } from '../../../integrations/csv/unreadable-file';
import { blobOf, Files } from '../../../platform/files/files.service';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { FileStorage } from '../../../platform/storage/file-storage.service';
import { ImportStore, type NewFinding, type TradeImport } from '../import.store';
import { TradeFile, type TradeRow } from '../trade-file';
import type { ProcessCsvPayload } from './import.payload';

/** The job on whose behalf a file is taken over. */
export interface ImportJob {
  readonly id: string;
  readonly tenant: string;
  report(progress: object): Promise<void>;
}

export interface ImportResult {
  readonly importId: string;
  readonly rows: {
    readonly read: number;
    readonly inserted: number;
    /** They were there already. */
    readonly duplicates: number;
    readonly refused: number;
  };
  readonly links: { readonly self: string; readonly findings: string };
}

const ROWS_PER_PART = 1_000;
// Each row that has no id of its own takes some hundred bytes until the end.
export const MAX_ROWS = 500_000;
const REPORT_INTERVAL_MS = 1_000;

/** Takes over the trades of a file, part by part: what is stored stays, and a later start goes on behind it. */
@Injectable()
export class ImportService {
  constructor(
    private readonly imports: ImportStore,
    private readonly files: Files,
    private readonly storage: FileStorage,
  ) {}

  async run(payload: ProcessCsvPayload, job: ImportJob, signal: AbortSignal): Promise<ImportResult> {
    const claimed = await this.imports.claim(payload, job.tenant, job.id);
    if (claimed === undefined) return this.resultOfBefore(job.id);
    const record = await this.files.find(payload.fileId, job.tenant);
    if (record === undefined) {
      throw new HopelessJobError(`There is no file ${payload.fileId}: upload it to /api/files.`);
    }
    const copy = await this.storage.localCopy(blobOf(record));
    try {
      const file = await TradeFile.open(copy.path, payload);
      try {
        return resultOf(await this.takeOver(file, claimed, job, signal));
      } finally {
        file.close();
      }
    } catch (error) {
      throw error instanceof UnreadableFileError ? new HopelessJobError(error.message) : error;
    } finally {
      await copy.release();
    }
  }

  private async takeOver(
    file: TradeFile,
    claimed: TradeImport,
    job: ImportJob,
    signal: AbortSignal,
  ): Promise<TradeImport> {
    let current = claimed;
    const part = new ImportPart(file, claimed);
    let toldAt = performance.now();
    for (let isOver = false; !isOver;) {
      signal.throwIfAborted();
      isOver = part.fill(ROWS_PER_PART);
      current = part.isNew ? await this.imports.storePart(current, part.take()) : await nextTurn(current);
      if (performance.now() - toldAt < REPORT_INTERVAL_MS) continue;
      toldAt = performance.now();
      await job.report({ percent: Math.floor(file.share * 100), ...resultOf(current).rows });
    }
    const { columns, dialect, catalog } = file;
    const summary = catalog.totals();
    return this.imports.complete(current, { columns, dialect, summary });
  }

  /** A job that was completed, and whose end was not heard of, comes again. */
  private async resultOfBefore(jobId: string): Promise<ImportResult> {
    const known = await this.imports.findByJob(jobId);
    if (known === undefined) throw new Error(`The import of job ${jobId} was removed while it began.`);
    return resultOf(known);
  }
}

/** The rows between two transactions. */
class ImportPart {
  private trades: BrokerActivity[] = [];
  private findings: NewFinding[] = [];
  private refused = 0;
  private rows = 0;
  private readonly stored: number;
  private hasBegun = false;

  constructor(
    private readonly file: TradeFile,
    { rowsRead, findingsStored }: TradeImport,
  ) {
    this.stored = rowsRead;
    // An earlier start has stored something, and with it what is wrong with the file itself.
    this.hasBegun = rowsRead > 0 || findingsStored > 0;
  }

  /** Whether there is anything that no earlier start has stored. */
  get isNew(): boolean {
    return this.rows > this.stored || this.findings.length > 0;
  }

  /** Reads on; true at the end of the file. Throws UnreadableFileError for one with too many rows. */
  fill(rows: number): boolean {
    const ofFile = this.hasBegun ? undefined : this.file.ofFile();
    this.hasBegun = true;
    if (ofFile !== undefined) this.note(ofFile);
    for (let count = 0; count < rows; count += 1) {
      const row = this.file.next();
      if (row === undefined) return true;
      this.rows = row.row;
      if (row.row > MAX_ROWS) throw tooManyRows();
      // What an earlier start has stored is read again, because rows that are alike are counted.
      if (row.row > this.stored) this.add(row);
    }
    return false;
  }

  take() {
    const { trades, findings, refused, rows } = this;
    this.trades = [];
    this.findings = [];
    this.refused = 0;
    return { rowsRead: Math.max(rows, this.stored), rowsRefused: refused, trades, findings };
  }

  private add(row: TradeRow): void {
    if (row.trade === undefined) this.refused += 1;
    else this.trades.push(row.trade);
    this.note(row);
  }

  private note({ row, line, findings }: TradeRow): void {
    for (const { kind, value } of findings) {
      this.findings.push({ row, line, kind: this.file.catalog.kinds[kind]!, value });
    }
  }
}

/** Lets others have their turn while a file is read that was stored before. */
async function nextTurn<T>(value: T): Promise<T> {
  await new Promise((resolve) => setImmediate(resolve));
  return value;
}

function tooManyRows(): UnreadableFileError {
  return new UnreadableFileError(
    'too_many_rows',
    `The file has more than ${MAX_ROWS} rows; split it. The rows before are stored.`,
  );
}

function resultOf({ id, rowsRead, rowsInserted, rowsDuplicate, rowsRefused }: TradeImport): ImportResult {
  const self = `/api/brokerage/imports/${id}`;
  return {
    importId: id,
    rows: { read: rowsRead, inserted: rowsInserted, duplicates: rowsDuplicate, refused: rowsRefused },
    links: { self, findings: `${self}/findings` },
  };
}
