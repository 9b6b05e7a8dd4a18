import type { FastifyRequest } from 'fastify';

/** Reads a body to its end, does nothing with it and answers with its fingerprint. */
export type BodyReader = (request: FastifyRequest) => Promise<string>;

export const STREAMED_BODY = 'holdfast:streamedBody';

const fingerprints = new WeakMap<FastifyRequest, string>();

/** Call it once a streamed body has been read, with what stands for it. */
export function noteBodyFingerprint(request: FastifyRequest, fingerprint: string): void {
  fingerprints.set(request, fingerprint);
}

/** What {@link noteBodyFingerprint} was told; '' when the handler read no body, which matches any. */
export function takeBodyFingerprint(request: FastifyRequest): string {
  return fingerprints.get(request) ?? '';
}

/** Whether somebody will ask for the fingerprint of the body. */
export function wantsBodyFingerprint({ headers }: FastifyRequest): boolean {
  return headers['idempotency-key'] !== undefined;
}
