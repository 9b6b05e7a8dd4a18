import type { FastifyHelmetOptions } from '@fastify/helmet';
import type { Settings } from '../../config/settings';

/** What our own pages may load: nothing but what this server sends. */
export const contentSecurityPolicy: Readonly<Record<string, readonly string[]>> = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'form-action': ["'self'"],
  'base-uri': ["'none'"],
  'frame-ancestors': ["'none'"],
};

/** Helmet's headers, with the policy above; HSTS only where the public address is HTTPS. */
export function helmetOptions(settings: Settings): FastifyHelmetOptions {
  return {
    contentSecurityPolicy: { useDefaults: false, directives: mutable(contentSecurityPolicy) },
    frameguard: { action: 'deny' },
    hsts: settings.PUBLIC_URL?.startsWith('https:') === true,
  };
}

/** For answers that are sent before any hook runs. */
export const bareSecurityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};

function mutable(policy: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(policy).map(([name, sources]) => [name, [...sources]]));
}
