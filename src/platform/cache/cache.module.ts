import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { CacheLoader } from './cache-loader.service';
import { CacheMetrics } from './cache-metrics.service';
import { CacheSources } from './cache-sources.service';
import { Cache } from './cache.service';
import { CacheStore } from './cache.store';

@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [Cache, CacheLoader, CacheStore, CacheSources, CacheMetrics],
  exports: [Cache, CacheSources],
})
export class CacheModule {}
