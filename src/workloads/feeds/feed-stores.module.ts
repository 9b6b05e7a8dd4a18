import { Module } from '@nestjs/common';
import { FeedItems } from './feed-items.store';
import { FeedSources } from './feed-source.store';
import { ImportCancels } from './import-cancels.store';
import { ImportFetches } from './import-fetch.store';
import { ImportOutcomes } from './import-outcomes.store';
import { ImportOverviews } from './import-overview.store';
import { ImportRuns } from './import-run.store';
import { ImportStaging } from './import-staging.store';
import { SourceHeaders } from './source-headers.service';
import { SourceLimits } from './source-limits.service';

const stores = [
  FeedItems,
  FeedSources,
  ImportCancels,
  ImportFetches,
  ImportOutcomes,
  ImportOverviews,
  ImportRuns,
  ImportStaging,
  SourceHeaders,
  SourceLimits,
];

@Module({ providers: stores, exports: stores })
export class FeedStoresModule {}
