export const MAX_WAIT_SECONDS = 30;

/** The seconds of a `Prefer: wait=N` header (RFC 7240), at most 30; 0 when the caller does not want to wait. */
export function preferredWait(header: string | undefined): number {
  const wait = (header ?? '')
    .split(',')
    .map((preference) => /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;|$)/i.exec(preference)?.[1])
    .find((seconds) => seconds !== undefined);
  return Math.min(Number(wait ?? 0), MAX_WAIT_SECONDS);
}
