import { Transform } from 'node:stream';

export interface ExportProgress {
  readonly percent: number;
  readonly stage: string;
  readonly rows: number;
}

export type ReportExportProgress = (progress: ExportProgress) => Promise<void>;

// A report is a write and an event in Redis; more than ten a second tell nobody anything.
const MIN_REPORT_INTERVAL_MS = 100;
const LINE_BREAK = 10;

/** Counts the lines that pass, which are the rows but for line breaks in cells, and reports them ten times a second. */
export class RowTally {
  private lines = 0;
  private reportedAt = performance.now();
  private underWay: Promise<void> = Promise.resolve();
  private isReporting = false;

  constructor(
    private readonly expectedRows: number,
    private readonly report: ReportExportProgress,
  ) {}

  count(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        for (let at = chunk.indexOf(LINE_BREAK); at >= 0; at = chunk.indexOf(LINE_BREAK, at + 1))
          this.lines += 1;
        this.tell();
        done(null, chunk);
      },
    });
  }

  /** Reports the end, after everything else. */
  async finish(rows: number): Promise<void> {
    await this.underWay;
    await this.report({ percent: 100, stage: 'done', rows });
  }

  private tell(): void {
    const now = performance.now();
    if (this.isReporting || now - this.reportedAt < MIN_REPORT_INTERVAL_MS) return;
    this.reportedAt = now;
    this.isReporting = true;
    const percent = Math.min(99, Math.floor((100 * this.lines) / Math.max(this.expectedRows, this.lines, 1)));
    this.underWay = this.report({ percent, stage: 'writing', rows: this.lines })
      // A report that fails is no reason to lose the file.
      .catch(() => undefined)
      .finally(() => (this.isReporting = false));
  }
}
