import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type FeedAnswerer = (request: IncomingMessage, reply: ServerResponse) => void;

/** A server on loopback that answers with whatever a test puts under a path, and counts who asked. */
export class FeedServer {
  readonly asked: { readonly path: string; readonly headers: IncomingMessage['headers'] }[] = [];
  private readonly answers = new Map<string, FeedAnswerer>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {
    server.on('request', (request, reply) => {
      const path = request.url ?? '/';
      this.asked.push({ path, headers: request.headers });
      const answer = this.answers.get(path.split('?')[0]!);
      if (answer === undefined) reply.writeHead(404).end();
      else answer(request, reply);
    });
  }

  static async start(): Promise<FeedServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FeedServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Answers a path from now on. */
  on(path: string, answer: FeedAnswerer): string {
    this.answers.set(path, answer);
    return `${this.url}${path}`;
  }

  /** Serves a feed under a path, with an entity tag where there is one. */
  feed(
    path: string,
    body: string,
    { type = 'application/rss+xml', etag }: { type?: string; etag?: string } = {},
  ): string {
    return this.on(path, (request, reply) => {
      const headers = { 'content-type': type, ...(etag !== undefined && { etag }) };
      if (etag !== undefined && request.headers['if-none-match'] === etag)
        reply.writeHead(304, headers).end();
      else reply.writeHead(200, headers).end(body);
    });
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

export interface RssItem {
  readonly guid: string;
  readonly title?: string;
  readonly text?: string;
}

/** An RSS 2.0 document. */
export function rssOf(items: readonly RssItem[], title = 'A feed'): string {
  const entries = items.map(
    ({ guid, title: name = `Title of ${guid}`, text = `Text of ${guid}` }) =>
      `<item><guid isPermaLink="false">${guid}</guid><title>${name}</title><link>https://example.org/${guid}</link>` +
      `<description>${text}</description><pubDate>Mon, 05 Jan 2026 10:00:00 GMT</pubDate></item>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>${title}</title>${entries.join('')}</channel></rss>`;
}

export function itemsOf(count: number, prefix = 'item'): RssItem[] {
  return Array.from({ length: count }, (_none, at) => ({ guid: `${prefix}-${at}` }));
}
