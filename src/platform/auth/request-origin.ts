import type { IncomingHttpHeaders } from 'node:http';
import { problem } from '../problems/problem-catalogue';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether a method asks without changing anything. */
export function isSafeMethod(method: string): boolean {
  return safeMethods.has(method);
}

/**
 * Throws `host_refused` unless the Host header names this machine: a page elsewhere can point a name of its own
 * at 127.0.0.1 and would then reach a server that has no key.
 */
export function refuseForeignHost(headers: IncomingHttpHeaders): void {
  if (!isLoopbackHost(headers.host ?? '')) throw problem('host_refused');
}

/** Whether a Host header names loopback: localhost, 127.x.x.x or [::1], with or without a port. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host);
}

/**
 * Throws `cross_site_refused` when a browser says that another site sent this change. Browsers leave Sec-Fetch-Site
 * out on plain HTTP to other machines; there the Origin has to be this server, or the public address of the settings.
 */
export function refuseCrossSite(
  request: { readonly method: string; readonly headers: IncomingHttpHeaders },
  publicUrl?: string,
): void {
  if (isSafeMethod(request.method)) return;
  const { origin, host } = request.headers;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) {
    if (site !== 'same-origin' && site !== 'none') throw problem('cross_site_refused');
    return;
  }
  if (origin === undefined) return;
  const allowed = [host, publicUrl === undefined ? undefined : hostOf(publicUrl)];
  const originHost = hostOf(origin);
  if (originHost === undefined || !allowed.includes(originHost)) throw problem('cross_site_refused');
}

/**
 * Throws `cross_site_refused` unless a browser itself says that a page of this server sent the request. For whoever comes
 * by cookie: silence is what a form of another site would keep in an old browser.
 */
export function refuseUnlessSameSite(headers: IncomingHttpHeaders): void {
  if (headers['sec-fetch-site'] === undefined && headers.origin === undefined) {
    throw problem('cross_site_refused', {
      detail:
        'With a session, changes have to carry Sec-Fetch-Site or Origin. A program sends its key instead.',
    });
  }
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}
