import { Module } from '@nestjs/common';
import { EventStreamsModule } from '../../platform/http/event-streams.module';
import { FeedImportModule } from '../../workloads/feeds/feed-import/feed-import.module';
import { FeedsModule } from '../../workloads/feeds/feeds.module';
import { ImportEventsController } from './import-events.controller';
import { ImportEvents } from './import-events.service';
import { ImportStarts } from './import-starts.service';
import { ImportsController } from './imports.controller';
import { Imports } from './imports.service';

@Module({
  imports: [FeedsModule, FeedImportModule, EventStreamsModule],
  controllers: [ImportsController, ImportEventsController],
  providers: [Imports, ImportStarts, ImportEvents],
})
export class ImportsApiModule {}
