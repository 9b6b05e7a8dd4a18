import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import * as http from 'node:http';
import * as https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { AddressRules } from './address-rules';
import { dial, outboundErrorOf, type Deadline } from './dial';
import {
  OutboundRequestError,
  RedirectRefusedError,
  ResponseUnreadableError,
  UpstreamStatusError,
} from './outbound-error';
import { firstHop, outboundUrl, redirectedHop, type Hop, type OutboundRequest } from './outbound-request';
import { assertContentType, decodedBody } from './response-body';
import { askedWaitMs } from './retry-after';

export interface OutboundResponse<Body> {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Where the answer came from, after all redirects. */
  readonly url: string;
  readonly body: Body;
}

export interface HttpClientOptions {
  /** Networks that are not public and may be dialled all the same, as CIDRs. */
  readonly allowAddresses: readonly string[];
  readonly allowPorts: readonly number[];
  readonly lookup?: LookupFunction;
}

const MAX_BYTES = 5 * 1024 * 1024;
const jsonTypes = ['application/json', 'application/*+json'];
const redirects = new Set([301, 302, 303, 307, 308]);
const withoutBody = new Set([204, 304]);

/**
 * The only way to the outside world: dials public addresses only, checks each redirect anew, and bounds time and size.
 * Every method rejects with an `OutboundError`, or with the reason of the caller's signal.
 */
export class HttpClient implements OnApplicationShutdown {
  private readonly logger = new Logger('Outbound');
  private readonly rules: AddressRules;
  private readonly ports: ReadonlySet<number>;
  private readonly lookup: LookupFunction;
  // Agents of its own: Node's global ones may be sent through a proxy by the environment.
  private readonly agents = {
    'http:': new http.Agent({ maxSockets: 50, maxTotalSockets: 200 }),
    'https:': new https.Agent({ maxSockets: 50, maxTotalSockets: 200, rejectUnauthorized: true }),
  };

  constructor(options: HttpClientOptions) {
    this.rules = new AddressRules(options.allowAddresses);
    this.ports = new Set(options.allowPorts);
    this.lookup = this.rules.guard(options.lookup);
  }

  /** Throws what a call would be refused with before anything is sent; what a name leads to is seen when it is dialled. */
  assertCallable(url: string): void {
    this.rules.assertLiteral(outboundUrl(url, this.ports).hostname);
  }

  /** The body as it comes; whoever does not read it to its end destroys it. The total time-out covers its reading. */
  async stream(request: OutboundRequest): Promise<OutboundResponse<Readable>> {
    const { timeoutMs = 10_000, signal } = request;
    const timeout = AbortSignal.timeout(timeoutMs);
    const deadline: Deadline = { timeoutMs, timeout, ...(signal !== undefined && { caller: signal }) };
    let hop = firstHop(request, this.ports);
    for (let followed = 0; ; followed++) {
      const answer = await this.send(hop, request, deadline);
      try {
        const next = this.redirectOf(hop, answer);
        if (next === undefined) return this.accept(hop, answer, request, deadline);
        if (followed >= (request.maxRedirects ?? 3)) {
          throw new RedirectRefusedError(`${hop.url.origin} redirects once more than is followed.`);
        }
        answer.destroy();
        hop = next;
      } catch (error) {
        answer.destroy();
        throw error;
      }
    }
  }

  /** The whole body in memory, `maxBytes` at most. */
  async buffer(request: OutboundRequest): Promise<OutboundResponse<Buffer>> {
    const response = await this.stream(request);
    const chunks: Buffer[] = [];
    for await (const chunk of response.body) chunks.push(chunk as Buffer);
    return { ...response, body: Buffer.concat(chunks) };
  }

  /** The body as JSON; undefined when the answer has none. */
  async json(request: OutboundRequest): Promise<OutboundResponse<unknown>> {
    const response = await this.buffer({ contentTypes: jsonTypes, ...request });
    if (response.body.length === 0) return { ...response, body: undefined };
    try {
      return { ...response, body: JSON.parse(response.body.toString('utf8')) as unknown };
    } catch {
      // The parser's own words quote the body.
      throw new ResponseUnreadableError(new URL(response.url).origin, 'it is not JSON');
    }
  }

  private async send(
    hop: Hop,
    { connectTimeoutMs = 3_000 }: OutboundRequest,
    deadline: Deadline,
  ): Promise<http.IncomingMessage> {
    const { origin, hostname, protocol } = hop.url;
    const startedAt = performance.now();
    this.rules.assertLiteral(hostname);
    const agent = this.agents[protocol as keyof typeof this.agents];
    const answer = await dial(hop, { agent, lookup: this.lookup, connectTimeoutMs, deadline });
    const durationMs = Math.round(performance.now() - startedAt);
    // Paths and queries of feeds and webhooks hold keys.
    const exchange = { method: hop.method, origin, status: answer.statusCode, durationMs };
    this.logger.debug({ msg: 'The outside world answered', ...exchange });
    return answer;
  }

  /** Where the answer sends the request, if anywhere. Throws {@link RedirectRefusedError} for what is not followed. */
  private redirectOf(hop: Hop, { statusCode = 0, headers }: http.IncomingMessage): Hop | undefined {
    if (!redirects.has(statusCode) || headers.location === undefined) return undefined;
    const { origin, protocol } = hop.url;
    if (!['GET', 'HEAD'].includes(hop.method) && statusCode !== 303) {
      throw new RedirectRefusedError(`${origin} redirects a ${hop.method}, which is not sent a second time.`);
    }
    try {
      const url = outboundUrl(headers.location, this.ports, hop.url.href);
      if (protocol !== 'https:' || url.protocol === 'https:') return redirectedHop(hop, url);
    } catch (error) {
      if (!(error instanceof OutboundRequestError)) throw error;
      throw new RedirectRefusedError(`${origin} redirects to a refused address. ${error.message}`);
    }
    throw new RedirectRefusedError(`${origin} redirects from https to http.`);
  }

  private accept(
    hop: Hop,
    answer: http.IncomingMessage,
    request: OutboundRequest,
    deadline: Deadline,
  ): OutboundResponse<Readable> {
    const { origin, href } = hop.url;
    const { statusCode: status = 0, headers } = answer;
    const isUnchanged =
      status === 304 && ('if-none-match' in hop.headers || 'if-modified-since' in hop.headers);
    if (!isUnchanged && (status < 200 || status > 299)) {
      throw new UpstreamStatusError(origin, status, askedWaitMs(headers));
    }
    const isEmpty = withoutBody.has(status) || hop.method === 'HEAD';
    if (!isEmpty) assertContentType(answer, request.contentTypes, origin);
    const errorOf = (error: Error) => outboundErrorOf(error, origin, deadline);
    if (isEmpty) delete headers['content-encoding'];
    const maxBytes = isEmpty ? Number.MAX_SAFE_INTEGER : (request.maxBytes ?? MAX_BYTES);
    return {
      status,
      headers,
      url: href,
      body: decodedBody(answer, { origin, maxBytes, maxRatio: request.maxRatio, errorOf }),
    };
  }

  onApplicationShutdown(): void {
    for (const agent of Object.values(this.agents)) agent.destroy();
  }
}
