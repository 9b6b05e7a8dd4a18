import { AsyncLocalStorage } from 'node:async_hooks';

interface Seeds {
  readonly seed: string;
  taken: number;
}

const storage = new AsyncLocalStorage<Seeds>();

/** Whatever is enqueued inside gets ids that follow from the seed and the order of the adds. */
export function withIdSeed<T>(seed: string, run: () => T): T {
  return storage.run({ seed, taken: 0 }, run);
}

/** The seed of the next job of the running request; undefined outside {@link withIdSeed}. */
export function nextIdSeed(): string | undefined {
  const seeds = storage.getStore();
  if (seeds === undefined) return undefined;
  seeds.taken += 1;
  return `${seeds.seed}/${seeds.taken}`;
}
