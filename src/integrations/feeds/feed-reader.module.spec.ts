import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Settings } from '../../config/settings';
import { HttpClient } from '../../platform/http-client/http-client.service';
import type { OutboundRequest } from '../../platform/http-client/outbound-request';
import { FeedReader } from './feed-reader.service';
import { FeedReaderModule } from './feed-reader.module';

describe('the feed reader of the server', () => {
  it.each([
    ['https://jobs.example.org', ' (+https://jobs.example.org)'],
    [undefined, ''],
  ])('introduces itself with its version and its address (%s)', async (publicUrl, address) => {
    const asked: OutboundRequest[] = [];
    const http = {
      stream: (request: OutboundRequest) => {
        asked.push(request);
        return Promise.resolve({ status: 304, headers: {}, url: request.url, body: Readable.from([]) });
      },
    };
    const settings = Object.assign(new Settings(), { PUBLIC_URL: publicUrl });
    @Global()
    @Module({
      providers: [
        { provide: HttpClient, useValue: http },
        { provide: Settings, useValue: settings },
      ],
      exports: [HttpClient, Settings],
    })
    class Surroundings {}
    const module = await Test.createTestingModule({ imports: [Surroundings, FeedReaderModule] }).compile();
    const source = { url: 'https://e.org/feed', headers: { 'User-Agent': 'Ours/1.0' } };
    expect(await module.get(FeedReader).open({ ...source, headers: {} })).toEqual({ kind: 'not_modified' });
    await module.get(FeedReader).open(source);
    const { version } = JSON.parse(readFileSync(join(__dirname, '../../../package.json'), 'utf8')) as {
      version: string;
    };
    // A source may want another name.
    expect(asked.map(({ headers }) => headers?.['user-agent'])).toEqual([
      `Holdfast/${version}${address}`,
      'Ours/1.0',
    ]);
    await module.close();
  });
});
