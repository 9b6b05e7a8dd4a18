import { Logger } from '@nestjs/common';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { FeedEvent } from '../../src/integrations/feeds/feed-event';
import type { FeedItem } from '../../src/integrations/feeds/feed-item';
import { FeedReader } from '../../src/integrations/feeds/feed-reader.service';
import type { FeedSource, OpenFeed } from '../../src/integrations/feeds/feed-source';
import { HttpClient } from '../../src/platform/http-client/http-client.service';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const head = '<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>';
const item = (id: number | string) =>
  `<item><guid>item-${id}</guid><title>Item ${id}</title><description>${'word '.repeat(100)}</description></item>`;

/** A document of such items, and its parts for those that have no end. */
export const news = {
  head,
  item,
  rss: (...ids: (number | string)[]) => `${head}${ids.map(item).join('')}</channel></rss>`,
};

class Publisher {
  readonly seen: IncomingMessage[] = [];
  connections = 0;
  answer: Answer = (_request, response) => response.end(news.rss(1));
  private readonly server: Server = createServer((request, response) => {
    this.seen.push(request);
    this.answer(request, response);
  }).on('connection', () => this.connections++);

  listen(host: string): Promise<void> {
    return new Promise((done) => this.server.listen(0, host, done));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): Promise<unknown> {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }
}

/** A document without an end. */
export function endless(begin: string, more: () => string): Readable {
  let isBegun = false;
  return new Readable({
    read() {
      this.push(isBegun ? more() : begin);
      isBegun = true;
    },
  });
}

export interface Reading {
  readonly events: FeedEvent[];
  readonly items: FeedItem[];
  readonly error: unknown;
  readonly last: FeedEvent | undefined;
}

/** A feed reader, the publisher that it may ask, and a canary that it must not. */
export class FeedReaderScene {
  readonly publisher = new Publisher();
  readonly canary = new Publisher();
  reader!: FeedReader;
  private http!: HttpClient;

  async open(): Promise<void> {
    Logger.overrideLogger(false);
    await Promise.all([this.publisher.listen('127.0.0.2'), this.canary.listen('127.0.0.1')]);
    this.http = new HttpClient({
      allowAddresses: ['127.0.0.2/32'],
      allowPorts: [80, this.publisher.port, this.canary.port],
    });
    this.reader = new FeedReader(this.http, 'Holdfast/1.2.3 (+https://holdfast.example.org)');
  }

  async close(): Promise<void> {
    this.http.onApplicationShutdown();
    await Promise.all([this.publisher.close(), this.canary.close()]);
  }

  forget(): void {
    this.publisher.seen.length = 0;
    this.publisher.connections = 0;
    this.canary.connections = 0;
  }

  readonly url = (path = '/feed') => `http://127.0.0.2:${this.publisher.port}${path}`;

  readonly reply = (body: string | Buffer, headers: Record<string, string> = {}, status = 200) => {
    this.publisher.answer = (_request, response) => response.writeHead(status, headers).end(body);
  };

  readonly openFeed = async (source: Partial<FeedSource> = {}, signal?: AbortSignal): Promise<OpenFeed> => {
    const feed = await this.reader.open({ url: this.url(), ...source }, signal);
    if (feed.kind !== 'feed') throw new Error('The feed has not changed.');
    return feed;
  };

  readonly read = async (source: Partial<FeedSource> = {}, signal?: AbortSignal): Promise<Reading> => {
    const events: FeedEvent[] = [];
    let error: unknown;
    try {
      for await (const event of (await this.openFeed(source, signal)).events) events.push(event);
    } catch (thrown) {
      error = thrown;
    }
    const items = events.flatMap((event) => (event.kind === 'item' ? [event.item] : []));
    return { events, items, error, last: events.at(-1) };
  };
}
