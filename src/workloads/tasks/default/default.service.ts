import { Injectable } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import type { TestJobData } from './default.payload';

export interface TestJobResult {
  readonly message: string;
  /** ISO 8601. */
  readonly processedAt: string;
  readonly durationMs: number;
}

/** Takes the percentage of the work that is done. */
export type ProgressReport = (percent: number) => Promise<void>;

const MAX_REPORTS = 10;
// A report is a write and an event in Redis; more than ten a second tell nobody anything.
const MIN_REPORT_INTERVAL_MS = 100;

@Injectable()
export class DefaultService {
  /** The work of a test job is to take time: `delay` milliseconds of it, cut short by the signal. */
  async runTestJob(
    { message, delay, shouldFail }: TestJobData,
    report: ProgressReport,
    signal: AbortSignal,
  ): Promise<TestJobResult> {
    const startedAt = performance.now();
    const delayMs = delay ?? 0;
    const parts = Math.max(1, Math.min(MAX_REPORTS, Math.floor(delayMs / MIN_REPORT_INTERVAL_MS)));
    for (let part = 1; part <= parts; part += 1) {
      const dueAt = startedAt + (delayMs * part) / parts;
      await wait(Math.max(0, dueAt - performance.now()), undefined, { signal });
      if (part < parts) await report(Math.round((100 * part) / parts));
    }
    if (shouldFail === true) throw new Error('The test job failed because its payload says shouldFail.');
    await report(100);
    return {
      message,
      processedAt: new Date().toISOString(),
      durationMs: Math.round(performance.now() - startedAt),
    };
  }
}
