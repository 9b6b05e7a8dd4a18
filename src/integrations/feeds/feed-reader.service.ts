import type { HttpClient } from '../../platform/http-client/http-client.service';
import type { FeedAnswer, FeedSource } from './feed-source';
import { readFeed } from './read-feed';
export class FeedReader {
  constructor(private readonly http: HttpClient, private readonly userAgent: string) {}
  async open(source: FeedSource, signal?: AbortSignal): Promise<FeedAnswer> {
    const answer = await this.http.stream({ url: source.url, ...(signal && { signal }), maxBytes: 256e6, timeoutMs: 300000, headers: { ...source.headers, ...(source.etag ? { 'if-none-match': source.etag } : {}) } });
    if (answer.status === 304) return { kind: 'not_modified' };
    return { kind: 'feed', etag: (answer.headers.etag as string) ?? null, lastModified: null, finalUrl: answer.url, events: readFeed(answer.body, { contentType: answer.headers['content-type'], url: answer.url, ...(source.mapping && { mapping: source.mapping }) } as never), bytes: () => 0, pages: () => 1 };
  }
}
