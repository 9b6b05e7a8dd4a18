import { hash } from 'node:crypto';
import type { Settings } from '../../config/settings';

/** So many starts in a span of time. */
export interface KeyRate {
  readonly max: number;
  readonly durationMs: number;
}

/** What one key may have; a part that is left out is not limited. */
export interface KeyLimit {
  readonly rate?: KeyRate;
  /** Jobs at a time over all workers together. */
  readonly concurrency?: number;
}

/** Whose job it is, as far as a key may depend on it. */
export interface KeyedOrigin {
  readonly tenant: string;
  readonly key?: string;
  readonly caller?: string;
}

/** How a queue's jobs are told apart, and what each of the keys may have unless its own limits are set. */
export interface KeyLimits {
  /**
   * The key of a job: of one length at most, 200 characters, beyond which it is hashed. Undefined or empty where the
   * job has none, so that nothing limits it. Must depend on nothing else and throw nothing.
   */
  readonly key: (
    payload: Readonly<Record<string, unknown>>,
    type: string,
    origin: KeyedOrigin,
  ) => string | undefined;
  /** A function where a setting decides. */
  readonly rate?: KeyRate | ((settings: Settings) => KeyRate | undefined);
  readonly concurrency?: number | ((settings: Settings) => number | undefined);
}

export const MAX_KEY_LENGTH = 200;
export const MAX_KEY_RATE = 1_000_000;
export const MAX_KEY_DURATION_MS = 86_400_000;
export const MAX_KEY_CONCURRENCY = 100_000;

/** The part of a hash that stands behind a key that is too long. */
const DIGEST_LENGTH = 22;

/** The key of a job; undefined where it has none. A key that is no text, and one that cannot be told, is none. */
export function limitKeyOf(
  limits: KeyLimits,
  payload: unknown,
  type: string,
  origin: KeyedOrigin,
): string | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  let key: unknown;
  try {
    key = limits.key(payload as Record<string, unknown>, type, origin);
  } catch {
    return undefined;
  }
  if (typeof key !== 'string' || key === '') return undefined;
  // Redis keeps a lone surrogate as something else, and the same key must be the same everywhere.
  const text = key.toWellFormed();
  if (text.length <= MAX_KEY_LENGTH) return text;
  const digest = hash('sha256', text, 'base64url').slice(0, DIGEST_LENGTH);
  return `${text.slice(0, MAX_KEY_LENGTH - DIGEST_LENGTH - 1)}#${digest}`.toWellFormed();
}

/** What each key may have that has no limits of its own. */
export function defaultLimit({ rate, concurrency }: KeyLimits, settings: Settings): KeyLimit {
  const ownRate = typeof rate === 'function' ? rate(settings) : rate;
  const ownConcurrency = typeof concurrency === 'function' ? concurrency(settings) : concurrency;
  return {
    ...(ownRate !== undefined && { rate: ownRate }),
    ...(ownConcurrency !== undefined && { concurrency: ownConcurrency }),
  };
}

/** Throws where a declared limit is none that can be kept. */
export function checkKeyLimit(queue: string, { rate, concurrency }: KeyLimit): void {
  if (rate !== undefined) {
    checkNumber(queue, 'rate.max', rate.max, MAX_KEY_RATE);
    checkNumber(queue, 'rate.durationMs', rate.durationMs, MAX_KEY_DURATION_MS);
  }
  if (concurrency !== undefined) checkNumber(queue, 'concurrency', concurrency, MAX_KEY_CONCURRENCY);
}

function checkNumber(queue: string, what: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new Error(`keyLimits.${what} of queue "${queue}" must be a whole number from 1 to ${most}.`);
}

/** As the scripts read it: `<max> <milliseconds> <concurrency>`, a dash for what is not limited. */
export function limitText({ rate, concurrency }: KeyLimit): string {
  return `${rate?.max ?? '-'} ${rate?.durationMs ?? '-'} ${concurrency ?? '-'}`;
}

/** What {@link limitText} wrote. */
export function limitOf(text: string): KeyLimit {
  const [max, durationMs, concurrency] = text
    .split(' ')
    .map((part) => (part === '-' ? undefined : Number(part)));
  return {
    ...(max !== undefined && durationMs !== undefined && { rate: { max, durationMs } }),
    ...(concurrency !== undefined && { concurrency }),
  };
}

/** The place in a job's hash where its key stands. */
export const KEY_FIELD = 'hfKey';
/** The start for which a job was let in, and an `r` where its key has a rate. */
export const PERMIT_FIELD = 'hfPermit';

/** Where workers hear that there is something to let in; told are names of queues. */
export function hintChannel(prefix: string): string {
  // On a Cluster the prefix ends in its domain's hash tag, which the channels that Redis users may use do not have.
  return `${prefix.replace(/:\{[^{}]*\}$/, '')}:holdfast:key-limits`;
}
