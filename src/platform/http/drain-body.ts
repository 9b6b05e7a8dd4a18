import type { FastifyRequest } from 'fastify';

// An answer before the end of the body is only read by clients whose sending goes on for a moment.
const LINGER_MS = 5_000;

/** Lets the rest of a body that nobody reads run into the void for a moment, then ends the connection. */
export function drainBody({ raw }: FastifyRequest): void {
  if (raw.complete || raw.destroyed) return;
  raw.unpipe();
  raw.resume();
  const timer = setTimeout(() => raw.destroy(), LINGER_MS);
  timer.unref();
  const stop = () => clearTimeout(timer);
  raw.once('end', stop);
  raw.once('close', stop);
}
