import { Module } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Settings } from '../../config/settings';
import { HttpClient } from '../../platform/http-client/http-client.service';
import { FeedReader } from './feed-reader.service';

@Module({
  providers: [
    {
      provide: FeedReader,
      useFactory: (http: HttpClient, settings: Settings) =>
        new FeedReader(http, robotName(settings.PUBLIC_URL)),
      inject: [HttpClient, Settings],
    },
  ],
  exports: [FeedReader],
})
export class FeedReaderModule {}

/** How a robot introduces itself: name, version, and where the people are who answer for it. */
function robotName(publicUrl: string | undefined): string {
  const text = readFileSync(join(__dirname, '../../../package.json'), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return publicUrl === undefined ? `Holdfast/${version}` : `Holdfast/${version} (+${publicUrl})`;
}
