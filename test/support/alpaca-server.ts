import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type AlpacaRecord = Record<string, string | null>;

/** Answers one request instead of the broker; `answer` does what the broker would have done. */
export type Disturbance = (response: ServerResponse, answer: () => void) => void;

export interface AlpacaServer {
  readonly url: string;
  readonly port: number;
  activities: AlpacaRecord[];
  positions: AlpacaRecord[];
  /** Each is used for one request, in turn; undefined lets one pass. */
  readonly disturbances: (Disturbance | undefined)[];
  /** Added to the `Date` that the server tells. */
  clockAheadMs: number;
  /** The most records of a page, whatever is asked for. */
  pageLimit: number;
  /** Is awaited before each answer. */
  before: (path: URL) => Promise<void>;
  readonly requests: URL[];
  close(): Promise<void>;
}

export const alpacaKeys = { keyId: 'PKTEST1234567890', secretKey: 'sEcReT-of-the-account/0987654321' };

/** A broker on loopback that answers as https://docs.alpaca.markets describes `/v2/account/activities` and `/v2/positions`. */
export async function startAlpacaServer(): Promise<AlpacaServer> {
  const http = createServer((request, response) => void serve(request, response));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const state: AlpacaServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    activities: [],
    positions: [],
    disturbances: [],
    clockAheadMs: 0,
    pageLimit: 100,
    before: async () => undefined,
    requests: [],
    close: async () => {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', state.url);
    state.requests.push(url);
    await state.before(url);
    response.setHeader('date', new Date(Date.now() + state.clockAheadMs).toUTCString());
    const disturbance = state.disturbances.shift();
    const answer = () => reply(request, response, url);
    if (disturbance === undefined) answer();
    else disturbance(response, answer);
  };

  const reply = ({ headers }: IncomingMessage, response: ServerResponse, url: URL): void => {
    const isKnown =
      headers['apca-api-key-id'] === alpacaKeys.keyId &&
      headers['apca-api-secret-key'] === alpacaKeys.secretKey;
    if (!isKnown) return json(response, 403, { code: 40310000, message: 'forbidden.' });
    if (url.pathname === '/v2/positions') return json(response, 200, state.positions);
    if (url.pathname !== '/v2/account/activities') return json(response, 404, { message: 'not found' });
    const query = url.searchParams;
    const size = Number(query.get('page_size') ?? 100);
    if (query.get('direction') !== 'asc' || !(size >= 1 && size <= 100)) {
      return json(response, 422, { code: 40010001, message: 'invalid request' });
    }
    json(response, 200, pageOf(state, query, size));
  };
  return state;
}

function pageOf(
  { activities, pageLimit }: AlpacaServer,
  query: URLSearchParams,
  size: number,
): AlpacaRecord[] {
  const after = query.get('after');
  const token = query.get('page_token');
  const sorted = activities.toSorted((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1));
  const wanted = sorted.filter(
    (one) =>
      (after === null || Date.parse(String(one['transaction_time'] ?? one['date'])) > Date.parse(after)) &&
      (token === null || String(one['id']) > token),
  );
  return wanted.slice(0, Math.min(size, pageLimit));
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' });
  response.end(JSON.stringify(body));
}

/** `X-RateLimit-Reset` by the server's own clock, and `Retry-After` where it is given. */
export function tooManyRequests(resetInSeconds: number, retryAfter?: number): Disturbance {
  return (response) => {
    const now = Date.parse(String(response.getHeader('date')));
    response.setHeader('x-ratelimit-limit', '200');
    response.setHeader('x-ratelimit-remaining', '0');
    response.setHeader('x-ratelimit-reset', String(Math.floor(now / 1_000) + resetInSeconds));
    if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter));
    json(response, 429, { code: 42910000, message: 'rate limit exceeded' });
  };
}

export const unavailable: Disturbance = (response) => json(response, 503, { message: 'try again' });

/** Half a page, and then the connection is gone. */
export const cutOff: Disturbance = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '4000' });
  response.write('[{"id":"20240102090000000::half","activity_type":"FI', () => response.destroy());
};

/** A complete answer that ends in the middle of its JSON. */
export const halfJson: Disturbance = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end('[{"id":"20240102090000000::half","activity_type":"FI');
};

/** A trade of the `index`-th second of 2024. */
export function fill(index: number, more: Partial<AlpacaRecord> = {}): AlpacaRecord {
  const at = new Date(Date.UTC(2024, 0, 1) + index * 1_000).toISOString();
  const stamp = at.replace(/\D/g, '').slice(0, 17);
  return {
    activity_type: 'FILL',
    id: `${stamp}::${String(index).padStart(8, '0')}-8b2b-4000-9955-d36e7db0df74`,
    cum_qty: '1',
    leaves_qty: '0',
    price: '10.25',
    qty: '1',
    side: 'buy',
    symbol: 'AAPL',
    transaction_time: at,
    order_id: '904837e3-3b76-47ec-b432-046db621571b',
    type: 'fill',
    ...more,
  };
}
