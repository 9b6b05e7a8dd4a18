import type { Settings } from '../../config/settings';
import type { Presence } from './key-presence.service';

const LOOPBACK = '127.0.0.1';
const HOW_TO = 'npm run keys:create -- --role admin';

/** Thrown at the start of a server that nobody could be let in to; its message says how to make a key. */
export class NoKeyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoKeyError';
  }
}

/**
 * The address to listen on: this machine alone as long as there is no key. Throws {@link NoKeyError} in production,
 * and when the settings ask for more.
 */
export function listenAddress({ HOST, isProduction }: Settings, presence: Presence): string {
  if (presence === 'closed' || (presence === 'unknown' && isProduction)) return HOST ?? '0.0.0.0';
  if (isProduction) {
    throw new NoKeyError(
      `In production nothing is served without a key: create the first one with "${HOW_TO}", or set HOLDFAST_BOOTSTRAP_KEY.`,
    );
  }
  if (HOST !== undefined && !isLoopback(HOST)) {
    throw new NoKeyError(
      `HOST is ${HOST}, but without a key the server listens on loopback only: create one with "${HOW_TO}", or set HOLDFAST_BOOTSTRAP_KEY.`,
    );
  }
  return HOST ?? LOOPBACK;
}

/** What a person has to know about a server without a key; undefined when there is one. */
export function keyNotice(presence: Presence): string | undefined {
  if (presence !== 'open') return undefined;
  return `No key exists, so only this machine is served. The first key closes the server: ${HOW_TO}`;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
