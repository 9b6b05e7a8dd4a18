import { createHash, randomBytes } from 'node:crypto';

/** The id of a request; the same seed, which is a repeated request of HTTP, is the same id. */
export function charterRequestId(seed?: string): string {
  const bytes =
    seed === undefined ? randomBytes(17) : createHash('sha256').update(`charter\0${seed}`).digest();
  return `req_${bytes.toString('base64url').slice(0, 22)}`;
}

/** The key of the job that reads a request for the n-th time. */
export function readingKey(requestId: string, round: number): string {
  return `charter:${requestId}:${round}`;
}
