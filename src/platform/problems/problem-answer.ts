import type { Problem } from './problem';
import { catalogueEntry, problemType } from './problem-catalogue';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const MAX_PATH_LENGTH = 300;
const retryableStatuses = new Set([408, 429, 502, 503, 504]);

/** The answer of RFC 9457 for a problem: status, headers (Retry-After included) and JSON text. */
export function problemAnswer(
  problem: Problem,
  request: { readonly url: string; readonly id: string; readonly errorMember?: string },
): ProblemAnswer {
  const { status, title, detail, code, errors } = problem;
  const entry = catalogueEntry(code);
  const own = {
    type: problemType(code),
    title,
    status,
    ...(detail !== undefined && { detail }),
    instance: request.url.split('?', 1)[0]?.slice(0, MAX_PATH_LENGTH),
    code,
    requestId: request.id,
    retryable: entry === undefined ? retryableStatuses.has(status) : entry.retryable === true,
    ...(errors !== undefined && { errors }),
    ...(request.errorMember !== undefined && { error: request.errorMember }),
  };
  const retryAfter = entry?.retryAfterSeconds ?? (status === 503 ? 1 : undefined);
  return {
    status,
    headers: {
      'content-type': PROBLEM_MEDIA_TYPE,
      'cache-control': 'no-store',
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
      ...lowerCased(problem.headers),
    },
    // A further member never takes the place of one of ours, and ours come first.
    body: JSON.stringify({ ...own, ...problem.members, ...own }),
  };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
