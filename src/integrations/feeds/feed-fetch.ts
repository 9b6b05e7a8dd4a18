import type { Readable } from 'node:stream';
import type { HttpClient, OutboundResponse } from '../../platform/http-client/http-client.service';
import type { FeedEvent } from './feed-event';
import { feedLimits } from './feed-limits';
import { FeedPages } from './feed-pages';
import type { FeedSource } from './feed-source';
import { unavailableOf } from './feed-unavailable.error';
import { IdleLimit } from './idle-limit';
import { readFeed, type FeedHints } from './read-feed';

export type FetchedPage = OutboundResponse<Readable>;

const accepted =
  'application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, ' +
  'application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.1';
const TIMEOUT_MS = 300_000;
const IDLE_TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 5;
const MAX_PAGES = 100;
// Text seldom gets smaller than a fiftieth; gzip makes a thousandth of nothing, brotli far less.
const MAX_RATIO = 200;

/** One reading of a source, over all its pages. */
export class FeedFetch {
  bytes = 0;
  pages = 0;
  private readonly idle: IdleLimit;
  private readonly endsAt: number;
  private readonly maxBytes: number;
  private items = 0;
  private rejected = 0;

  constructor(
    private readonly http: HttpClient,
    private readonly userAgent: string,
    private readonly source: FeedSource,
    signal: AbortSignal | undefined,
  ) {
    this.idle = new IdleLimit(source.idleTimeoutMs ?? IDLE_TIMEOUT_MS, signal);
    this.endsAt = performance.now() + (source.timeoutMs ?? TIMEOUT_MS);
    this.maxBytes = source.limits?.maxBytes ?? feedLimits.maxBytes;
  }

  /** The head of a page; its body waits to be read. */
  async page(url: string, conditions: Readonly<Record<string, string>> = {}): Promise<FetchedPage> {
    this.pages++;
    const request = {
      url,
      headers: { accept: accepted, 'user-agent': this.userAgent, ...this.ownHeaders(url), ...conditions },
      signal: this.idle.signal,
      timeoutMs: Math.max(1, Math.round(this.endsAt - performance.now())),
      maxBytes: Math.max(1, this.maxBytes - this.bytes),
      maxRatio: MAX_RATIO,
      maxRedirects: MAX_REDIRECTS,
    };
    return this.explained(() => this.idle.during(() => this.http.stream(request)));
  }

  /** What the source holds, from its first page on. */
  async *events(first: FetchedPage): AsyncGenerator<FeedEvent, void> {
    const { paging, url } = this.source;
    const pages = paging === undefined ? undefined : new FeedPages(url, first.url, paging);
    let page: FetchedPage | undefined = first;
    while (page !== undefined) {
      const fingerprints: string[] = [];
      const next: string | null | undefined = yield* this.eventsOf(page, fingerprints);
      if (next === undefined) return;
      const nextUrl: string | undefined = pages?.after({
        url: page.url,
        headers: page.headers,
        next,
        fingerprints,
      });
      if (nextUrl !== undefined && this.pages >= (paging?.maxPages ?? MAX_PAGES)) {
        const detail = `The source goes on after ${this.pages} pages.`;
        yield { kind: 'broken', reason: 'too_many_pages', detail };
        return;
      }
      page = nextUrl === undefined ? undefined : await this.nextPage(nextUrl, page.url, pages!);
    }
    yield { kind: 'end', items: this.items, rejected: this.rejected, next: null };
  }

  private async nextPage(url: string, from: string, pages: FeedPages): Promise<FetchedPage> {
    const page = await this.page(url);
    try {
      pages.assertAllowed(page.url, from);
    } catch (error) {
      page.body.destroy();
      throw error;
    }
    return page;
  }

  /** Returns how the page says that the source goes on; undefined when it is broken, and all is over. */
  private async *eventsOf(
    page: FetchedPage,
    fingerprints: string[],
  ): AsyncGenerator<FeedEvent, string | null | undefined> {
    for await (const event of readFeed(this.bytesOf(page.body), this.hintsFor(page))) {
      if (event.kind === 'end') return event.next;
      if (event.kind === 'item') {
        this.items++;
        if (this.source.paging?.by === 'page') fingerprints.push(event.item.fingerprint);
      }
      if (event.kind === 'rejected') this.rejected++;
      if (event.kind !== 'feed' || this.pages === 1) yield event;
      if (event.kind === 'broken') return undefined;
    }
    return undefined;
  }

  private hintsFor({ url, headers }: FetchedPage): FeedHints {
    const { mapping, limits, paging } = this.source;
    const itemsBefore = this.items + this.rejected;
    const maxItems = Math.max(0, (limits?.maxItems ?? feedLimits.maxItems) - itemsBefore);
    const contentType = headers['content-type'];
    return {
      url,
      itemsBefore,
      limits: { ...limits, maxItems },
      signal: this.idle.signal,
      ...(mapping !== undefined && { mapping }),
      ...(paging?.path !== undefined && { nextPath: paging.path }),
      ...(contentType !== undefined && { contentType }),
    };
  }

  private async *bytesOf(body: Readable): AsyncGenerator<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    try {
      for (;;) {
        const { done, value } = await this.explained(() => this.idle.during(() => chunks.next()));
        if (done === true) return;
        this.bytes += value.length;
        yield value;
      }
    } finally {
      body.destroy();
    }
  }

  private async explained<Result>(step: () => Promise<Result>): Promise<Result> {
    try {
      return await step();
    } catch (error) {
      throw unavailableOf(error);
    }
  }

  /** A source's headers are keys, as a rule, and meant for its own host alone. */
  private ownHeaders(url: string): Readonly<Record<string, string>> {
    const isOwn = originOf(url) === originOf(this.source.url);
    return isOwn ? lowerCased(this.source.headers ?? {}) : {};
  }
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
