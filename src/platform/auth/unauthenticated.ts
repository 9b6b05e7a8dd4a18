import type { IncomingHttpHeaders } from 'node:http';
import type { Problem } from '../problems/problem';
import { problem } from '../problems/problem-catalogue';

/** The 401 for a request; a browser that opens a page is told to ask for a password, a program is not. */
export function unauthenticated(headers: IncomingHttpHeaders): Problem {
  const isPage = headers.accept?.includes('text/html') === true;
  const challenge = isPage ? 'Basic realm="Holdfast", charset="UTF-8"' : 'Bearer realm="Holdfast"';
  return problem('unauthenticated', {
    detail: 'Send the key as "Authorization: Bearer <key>".',
    headers: { 'www-authenticate': challenge },
  });
}
