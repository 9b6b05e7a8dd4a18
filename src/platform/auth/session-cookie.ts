import type { IncomingHttpHeaders } from 'node:http';
import type { Settings } from '../../config/settings';
import type { OpenedSession } from './sessions.service';

/** Over HTTPS the browser itself guarantees by the prefix that no other host or plain page has set the cookie. */
function cookieName(settings: Settings): string {
  return isHttps(settings) ? '__Host-holdfast_session' : 'holdfast_session';
}

function isHttps({ PUBLIC_URL }: Settings): boolean {
  return PUBLIC_URL?.startsWith('https:') === true;
}

/** The token in the Cookie header; undefined where there is none, or more than one. */
export function sessionTokenIn(headers: IncomingHttpHeaders, settings: Settings): string | undefined {
  const name = `${cookieName(settings)}=`;
  const found = (headers.cookie ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(name));
  return found.length === 1 ? found[0]?.slice(name.length) : undefined;
}

/** The Set-Cookie header of a log-in. */
export function sessionCookie({ token, expiresAt }: OpenedSession, settings: Settings): string {
  return `${cookieName(settings)}=${token}; ${attributes(settings)}; Expires=${expiresAt.toUTCString()}`;
}

/** The Set-Cookie header of a log-out. */
export function endedCookie(settings: Settings): string {
  return `${cookieName(settings)}=; ${attributes(settings)}; Max-Age=0`;
}

function attributes(settings: Settings): string {
  return `Path=/; HttpOnly; SameSite=Strict${isHttps(settings) ? '; Secure' : ''}`;
}
