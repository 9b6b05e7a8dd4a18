import type { IncomingMessage } from 'node:http';
import { answerOnSocket } from './socket-answer';

// A file of 2 GB may take hours on a slow line, so its time has no limit; its pace has one.
const WINDOW_MS = 15_000;
const MIN_BYTES_PER_WINDOW = 15 * 1_024;

/**
 * Ends a request whose body arrives at less than 1 KiB/s over 15 s, with 408 while that can still be said.
 * A body that waits for this server, not for its client, is left alone.
 */
export function endWhenTooSlow(request: IncomingMessage, hasAnswered: () => boolean): void {
  if (request.complete || !announcesBody(request)) return;
  let seenBytes = request.socket.bytesRead;
  const timer = setInterval(() => {
    if (request.complete || request.destroyed) return stop();
    const arrivedBytes = request.socket.bytesRead - seenBytes;
    seenBytes = request.socket.bytesRead;
    if (arrivedBytes >= MIN_BYTES_PER_WINDOW || request.readableLength > 0) return;
    stop();
    if (!hasAnswered()) answerOnSocket(request.socket, 'request_timeout');
    request.destroy();
  }, WINDOW_MS);
  timer.unref();
  const stop = () => clearInterval(timer);
  request.once('end', stop);
  request.once('close', stop);
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
