import { Logger } from '@nestjs/common';

const LOG_INTERVAL_MS = 1_000;

/**
 * Logs promises that were rejected with nobody listening, at most one a second, and goes on: by default Node ends
 * the process, and with it every other job of this worker. Returns what takes the listener off again.
 */
export function logStrayRejections(): () => void {
  const logger = new Logger('StrayRejection');
  let lastLoggedAt = 0;
  let unlogged = 0;
  const onRejection = (reason: unknown) => {
    const now = Date.now();
    if (now - lastLoggedAt < LOG_INTERVAL_MS) {
      unlogged += 1;
      return;
    }
    lastLoggedAt = now;
    logger.error({
      msg: 'A promise was rejected and nobody listened; a handler does not await all it begins',
      err: reason instanceof Error ? reason : String(reason).slice(0, 300),
      unlogged,
    });
    unlogged = 0;
  };
  process.on('unhandledRejection', onRejection);
  return () => void process.off('unhandledRejection', onRejection);
}
