import type { Problem } from '../problems/problem';
import { problem } from '../problems/problem-catalogue';

export const LOGIN_PATH = '/ui/login';

const MAX_NEXT_CHARACTERS = 500;

/** The 401 for a request that proves nothing, or the wrong thing. */
export function unauthenticated(): Problem {
  return problem('unauthenticated', {
    detail: 'Send the key as "Authorization: Bearer <key>".',
    headers: { 'www-authenticate': 'Bearer realm="Holdfast"' },
  });
}

/** Where a browser that opens a page without a session is sent; undefined for a program, and for whatever changes something. */
export function loginInstead(request: {
  readonly method: string;
  readonly url: string;
  readonly headers: { readonly accept?: string | undefined; readonly authorization?: string | undefined };
}): string | undefined {
  const { method, url, headers } = request;
  const isPage = method === 'GET' && headers.accept?.includes('text/html') === true;
  if (!isPage || headers.authorization !== undefined) return undefined;
  return `${LOGIN_PATH}?next=${encodeURIComponent(localPath(url))}`;
}

/** The path if it leads to this server, else the dashboard: a link must not send anybody elsewhere after the log-in. */
export function localPath(path: string | undefined): string {
  const isLocal =
    path !== undefined && path.length <= MAX_NEXT_CHARACTERS && /^\/(?![/\\])[!-[\]-~]*$/.test(path);
  return isLocal ? path : '/admin/queues';
}
