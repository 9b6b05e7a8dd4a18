import { Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as SafeAgent, request as safeRequest } from 'node:https';

/** What an address answers to a report. */
export interface ReportAnswer {
  readonly statusCode?: number;
  readonly headers: { readonly 'x-sentry-rate-limits': string | null; readonly 'retry-after': string | null };
}

export interface ReportLine {
  send(body: string | Uint8Array): Promise<ReportAnswer>;
  close(): void;
}

// An address that is slow has no more connections of ours than these.
const MAX_CONNECTIONS = 2;
const DEADLINE_MS = 5_000;

/** A line to one address, which no redirect and no proxy turns elsewhere; each report has 5 s and is never repeated. */
export function reportLine(address: string, headers: Readonly<Record<string, string>> = {}): ReportLine {
  const url = new URL(address);
  const isSafe = url.protocol === 'https:';
  const options = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
  const agent = isSafe ? new SafeAgent(options) : new PlainAgent(options);
  const send = (body: string | Uint8Array) =>
    new Promise<ReportAnswer>((resolve, reject) => {
      const request = (isSafe ? safeRequest : plainRequest)(url, {
        method: 'POST',
        agent,
        headers: {
          ...headers,
          'content-type': 'application/x-sentry-envelope',
          'content-length': Buffer.byteLength(body),
        },
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      request.on('error', reject);
      request.on('response', (response) => {
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            ...(response.statusCode !== undefined && { statusCode: response.statusCode }),
            headers: {
              'x-sentry-rate-limits': first(response.headers['x-sentry-rate-limits']),
              'retry-after': first(response.headers['retry-after']),
            },
          }),
        );
        response.resume();
      });
      request.end(body);
    });
  return { send, close: () => agent.destroy() };
}

function first(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}
