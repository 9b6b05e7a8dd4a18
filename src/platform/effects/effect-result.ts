import { HopelessJobError } from '../queue/job-outcome';

const MAX_EFFECT_RESULT_BYTES = 32_768;

/** What a step hands on is kept with it, so that a later start can go on from there; it must be small. */
export class EffectResultTooLargeError extends HopelessJobError {
  constructor(step: string, bytes: number) {
    super(
      `The result of step "${step}" is ${bytes} bytes; at most ${MAX_EFFECT_RESULT_BYTES} are kept. ` +
        'Store it and return a reference.',
    );
    this.name = 'EffectResultTooLargeError';
  }
}

/** As it is stored; null for nothing. Throws {@link EffectResultTooLargeError}, or a TypeError for what is not JSON. */
export function storedResult(step: string, result: unknown): string | null {
  const json = JSON.stringify(result) as string | undefined;
  if (json === undefined) return null;
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_EFFECT_RESULT_BYTES) throw new EffectResultTooLargeError(step, bytes);
  return json;
}

/** The first run gets it back through here as well: what is no JSON, such as a Date, then never works only once. */
export function readResult(stored: string | null | undefined): unknown {
  return stored == null ? undefined : (JSON.parse(stored) as unknown);
}
