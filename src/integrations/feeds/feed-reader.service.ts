import type { HttpClient } from '../../platform/http-client/http-client.service';
import { FeedFetch } from './feed-fetch';
import type { FeedAnswer, FeedSource } from './feed-source';

const MAX_ETAG_CHARACTERS = 1_024;
const MAX_DATE_CHARACTERS = 100;

/** Fetches feeds. What it is asked for is in `feed-source.ts`, what it gives in `feed-event.ts`. */
export class FeedReader {
  constructor(
    private readonly http: HttpClient,
    /** The robot's name, and where its owner can be found. */
    private readonly userAgent: string,
  ) {}

  /**
   * Asks for a source, and for it only if it has changed, where `etag` or `lastModified` say since when. Throws
   * `FeedUnavailableError`, or the reason of `signal`.
   */
  async open(source: FeedSource, signal?: AbortSignal): Promise<FeedAnswer> {
    const fetch = new FeedFetch(this.http, this.userAgent, source, signal);
    const first = await fetch.page(source.url, conditionsOf(source));
    if (first.status === 304) {
      first.body.resume();
      return { kind: 'not_modified' };
    }
    const { headers, url: finalUrl } = first;
    return {
      kind: 'feed',
      etag: shortHeader(headers.etag, MAX_ETAG_CHARACTERS),
      lastModified: shortHeader(headers['last-modified'], MAX_DATE_CHARACTERS),
      finalUrl,
      events: fetch.events(first),
      bytes: () => fetch.bytes,
      pages: () => fetch.pages,
    };
  }
}

function conditionsOf({ etag, lastModified }: FeedSource): Record<string, string> {
  return {
    ...(typeof etag === 'string' && etag !== '' && { 'if-none-match': etag }),
    ...(typeof lastModified === 'string' && lastModified !== '' && { 'if-modified-since': lastModified }),
  };
}

function shortHeader(value: string | undefined, maxCharacters: number): string | null {
  return value === undefined || value === '' || value.length > maxCharacters ? null : value;
}
