import { OutboundRequestError } from './outbound-error';

export interface OutboundRequest {
  readonly url: string;
  /** `GET` by default. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Ends the exchange, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** From the call to the last byte of the answer, redirects included; 10,000 by default. */
  readonly timeoutMs?: number;
  /** For each connection, its name's lookup and TLS included; 3,000 by default. */
  readonly connectTimeoutMs?: number;
  /** Of the body, after decompression; 5 MiB by default. */
  readonly maxBytes?: number;
  /** Bytes of a compressed body per byte sent, from 4 MiB on; any by default. */
  readonly maxRatio?: number;
  /** 3 by default. */
  readonly maxRedirects?: number;
  /** What the answer may be, such as `text/csv`, `text/*` or `application/*+json`; anything by default. */
  readonly contentTypes?: readonly string[];
}

/** One request of an exchange, redirects being further ones. */
export interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

const MAX_URL_CHARACTERS = 8_192;
const defaultPorts: Record<string, number> = { 'http:': 80, 'https:': 443 };
// They decide where a message ends, where it goes, or how its answer is read.
const ownHeaders =
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept-encoding|proxy-.*)$/;
// All that goes along to another origin: any other header may be a key.
const harmlessHeaders = new Set([
  'accept',
  'accept-language',
  'if-modified-since',
  'if-none-match',
  'user-agent',
]);

/** The first hop of a request. Throws {@link OutboundRequestError} for one that is not allowed. */
export function firstHop(request: OutboundRequest, ports: ReadonlySet<number>): Hop {
  const { method = 'GET', body } = request;
  const headers = Object.fromEntries(
    Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  for (const name of Object.keys(headers)) {
    if (ownHeaders.test(name))
      throw new OutboundRequestError(`The header ${name} is set by the client itself.`);
  }
  const url = outboundUrl(request.url, ports);
  return {
    url,
    method,
    headers: { 'user-agent': 'holdfast', accept: '*/*', ...headers },
    ...(body !== undefined && { body }),
  };
}

/** Reads an address. Throws {@link OutboundRequestError} unless it is http(s), without credentials, on a port allowed. */
export function outboundUrl(text: string, ports: ReadonlySet<number>, base?: string): URL {
  if (text.length > MAX_URL_CHARACTERS || !URL.canParse(text, base)) {
    throw new OutboundRequestError('The address is no URL that can be read, or longer than 8192 characters.');
  }
  const url = new URL(text, base);
  const defaultPort = defaultPorts[url.protocol];
  if (defaultPort === undefined)
    throw new OutboundRequestError('The address must begin with https:// or http://.');
  if (url.username !== '' || url.password !== '') {
    throw new OutboundRequestError('The address must not hold a user or a password: send them in a header.');
  }
  const port = url.port === '' ? defaultPort : Number(url.port);
  if (!ports.has(port)) {
    throw new OutboundRequestError(
      `Port ${port} is not one of OUTBOUND_ALLOW_PORTS (${[...ports].join(', ')}).`,
    );
  }
  url.hash = '';
  return url;
}

/** The same request at the place a redirect names; on another origin only harmless headers go along. */
export function redirectedHop(from: Hop, url: URL): Hop {
  const { headers } = from;
  const kept =
    url.origin === from.url.origin
      ? headers
      : Object.fromEntries(Object.entries(headers).filter(([name]) => harmlessHeaders.has(name)));
  return { url, method: from.method === 'HEAD' ? 'HEAD' : 'GET', headers: kept };
}
