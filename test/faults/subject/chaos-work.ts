import { setTimeout as wait } from 'node:timers/promises';
import type { ChaosPayload, Deed } from './chaos.payload';

/** What a job needs from the subject that runs it. */
export interface Surroundings {
  /** Notes a start, and resolves with its number, from 1. */
  start(key: string): Promise<number>;
  effect(key: string): Promise<void>;
  /** Says that this start has got its job on; absent where nobody listens. */
  advance?(): Promise<unknown>;
  readonly signal?: AbortSignal;
}

// Fills a small heap in a few steps, between which the timers of the process run.
const growthBytes = 32 * 1024 * 1024;
// Longer than any test waits.
const dawdleMs = 600_000;
const hugeCharacters = 5 * 1024 * 1024;

/** The same work for every subject: what differs is what the subject makes of it. */
export async function runChaos(payload: ChaosPayload, surroundings: Surroundings): Promise<unknown> {
  const { key, does = 'effect', times = Infinity, beforeMs = 0, afterMs = 0, advances = false } = payload;
  const { signal } = surroundings;
  const start = await surroundings.start(key);
  if (advances) await surroundings.advance?.();
  const isBad = does !== 'effect' && start <= times;
  if (beforeMs > 0 && does !== 'block') await wait(beforeMs, undefined, { signal });
  if (isBad) {
    const result = await misbehave(does, beforeMs, signal);
    if (result !== undefined) return result;
  }
  await surroundings.effect(key);
  if (afterMs > 0) await wait(afterMs, undefined, { signal });
  return { key, start };
}

async function misbehave(does: Deed, beforeMs: number, signal?: AbortSignal): Promise<unknown> {
  if (does.startsWith('return-')) return strangeResult(does);
  if (does.startsWith('throw-')) throw strangeError(does);
  if (does === 'fail') throw new Error('This attempt fails because its payload says so.');
  if (does === 'dawdle') await wait(dawdleMs, undefined, { signal });
  if (does === 'hang') return await new Promise(() => undefined);
  if (does === 'block') block(beforeMs);
  if (does === 'die') process.kill(process.pid, 'SIGKILL');
  if (does === 'exit') process.exit(3);
  if (does === 'grow') await grow();
  if (does === 'reject-unheard') void Promise.reject(new Error('Nobody listens to this rejection.'));
  return undefined;
}

function block(durationMs: number): void {
  const end = performance.now() + durationMs;
  while (performance.now() < end);
}

async function grow(): Promise<never> {
  const kept: number[][] = [];
  for (;;) {
    kept.push(new Array<number>(growthBytes / 8).fill(0.5));
    await wait(10);
  }
}

function cyclic(): object {
  const circle: Record<string, unknown> = {};
  circle['itself'] = circle;
  return circle;
}

function strangeResult(does: Deed): unknown {
  if (does === 'return-cyclic') return cyclic();
  if (does === 'return-bigint') return { count: 10n };
  return { text: 'x'.repeat(hugeCharacters) };
}

function strangeError(does: Deed): unknown {
  if (does === 'throw-undefined') return undefined;
  if (does === 'throw-string') return 'just a string';
  if (does === 'throw-cyclic') return Object.assign(new Error('An error that holds itself.'), cyclic());
  return new Error('x'.repeat(hugeCharacters));
}
