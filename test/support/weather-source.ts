import { Injectable, Module } from '@nestjs/common';
import { CacheSource, type CacheRequest } from '../../src/platform/cache/cache-source';

/** A source as an application adds one. It does what the test wants, and counts, in all apps of the test together. */
@Injectable()
export class WeatherSource extends CacheSource {
  static loads = 0;
  static run: (request: CacheRequest) => Promise<unknown>;

  static reset(): void {
    this.loads = 0;
    this.run = () => Promise.resolve({ degrees: this.loads });
  }

  readonly name = 'weather';
  readonly description = 'What tests compute.';
  override readonly deadlineMs = 3_000;

  load(request: CacheRequest): Promise<unknown> {
    WeatherSource.loads += 1;
    return WeatherSource.run(request);
  }
}

@Module({ providers: [WeatherSource] })
export class WeatherModule {}

/** Never answers; `stopped` tells whether it was told that nobody waits. */
export function endlessly(): { readonly run: typeof WeatherSource.run; readonly stopped: () => boolean } {
  let isStopped = false;
  const run = ({ signal }: CacheRequest) =>
    new Promise<unknown>(() => signal.addEventListener('abort', () => (isStopped = true), { once: true }));
  return { run, stopped: () => isStopped };
}

/** Answers when the test says so. */
export function gate<T>(value: T): { readonly run: () => Promise<T>; readonly open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { run: () => opened.then(() => value), open };
}
