import { destination } from 'pino';

// A write per line costs a worker more than the whole rest of a small job.
const BUFFERED_CHARACTERS = 8_192;
const FLUSH_INTERVAL_MS = 100;

/** Where log lines go. */
export interface LogOutput {
  write(line: string): void;
  flushSync(): void;
}

/**
 * Gathers lines, because pino's own destination measures all that it holds back again at every line.
 * Standard output gets them in pieces of 8 KiB and more.
 */
class GatheringOutput implements LogOutput {
  private readonly file = destination({ dest: 1, sync: true });
  private gathered = '';

  constructor() {
    setInterval(() => this.flushSync(), FLUSH_INTERVAL_MS).unref();
    process.once('exit', () => this.flushSync());
  }

  write(line: string): void {
    this.gathered += line;
    if (this.gathered.length >= BUFFERED_CHARACTERS) this.flushSync();
  }

  flushSync(): void {
    const { gathered } = this;
    if (gathered === '') return;
    this.gathered = '';
    this.file.write(gathered);
  }
}

let output: LogOutput | undefined;

/** Standard output in pieces of 8 KiB, at the latest after 100 ms, after an error, and at the end of the process. */
export function bufferedOutput(): LogOutput {
  output ??= new GatheringOutput();
  return output;
}

/** Writes what is held back; for whoever writes to standard output himself. */
export function flushLogs(): void {
  output?.flushSync();
}
