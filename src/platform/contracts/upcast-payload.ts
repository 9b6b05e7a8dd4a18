import type { JobDefinition } from '../queue/define-queue';

/** A stored payload that cannot be brought to the version that is declared now. */
export class PayloadUpcastError extends Error {
  constructor(jobType: string, version: number, reason: string, options?: ErrorOptions) {
    super(
      `payload of job "${jobType}" cannot go from version ${version} to ${version + 1}: ${reason}`.slice(
        0,
        1_000,
      ),
      options,
    );
    this.name = 'PayloadUpcastError';
  }
}

/**
 * Brings a payload that was stored under an older version to the declared one, step by step; the stored one stays.
 * Throws {@link PayloadUpcastError}.
 */
export function upcastPayload(
  jobType: string,
  { version: declared = 1, upcast = {} }: JobDefinition,
  storedVersion: number,
  stored: unknown,
): unknown {
  let payload = stored;
  for (let version = storedVersion; version < declared; version += 1) {
    const step = upcast[version];
    if (step === undefined) throw new PayloadUpcastError(jobType, version, 'no up-caster is declared');
    if (!isRecord(payload)) throw new PayloadUpcastError(jobType, version, 'it is not an object');
    try {
      payload = step(structuredClone(payload));
    } catch (error) {
      throw new PayloadUpcastError(jobType, version, String(error), { cause: error });
    }
  }
  return payload;
}

function isRecord(payload: unknown): payload is Record<string, unknown> {
  return typeof payload === 'object' && payload !== null && !Array.isArray(payload);
}
