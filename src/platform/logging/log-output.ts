import { destination } from 'pino';

// A write per line costs a worker more than the whole rest of a small job.
const BUFFERED_BYTES = 8_192;
const FLUSH_INTERVAL_MS = 100;

let output: ReturnType<typeof destination> | undefined;

/** Standard output in pieces of 8 KiB, at the latest after 100 ms, after an error, and at the end of the process. */
export function bufferedOutput(): ReturnType<typeof destination> {
  if (output !== undefined) return output;
  const opened = destination({
    dest: 1,
    sync: true,
    minLength: BUFFERED_BYTES,
    periodicFlush: FLUSH_INTERVAL_MS,
  });
  process.once('exit', () => opened.flushSync());
  output = opened;
  return opened;
}

/** Writes what is held back; for whoever writes to standard output himself. */
export function flushLogs(): void {
  output?.flushSync();
}
