import { Injectable, Optional, type OnApplicationBootstrap } from '@nestjs/common';
import { Counter } from 'prom-client';
import { MetricsRegistry } from '../metrics/metrics-registry.service';
import { CacheSources } from './cache-sources.service';

const reads = ['hit', 'stale', 'miss', 'bypass'] as const;
const loads = ['kept', 'unkept', 'failed'] as const;

/** `bypass` was answered without Redis. */
export type CacheRead = (typeof reads)[number];
/** `unkept` had no room, was too large or late, or could not be stored. */
export type CacheLoad = (typeof loads)[number];

/** Counts what the cache of this process does, by the sources that providers declare. */
@Injectable()
export class CacheMetrics implements OnApplicationBootstrap {
  private readonly reads?: Counter<'source' | 'outcome'>;
  private readonly loads?: Counter<'source' | 'outcome'>;

  constructor(
    private readonly sources: CacheSources,
    @Optional() registry?: MetricsRegistry,
  ) {
    if (registry === undefined) return;
    const shape = { labelNames: ['source', 'outcome'] as const, registers: [registry] };
    this.reads = new Counter({
      ...shape,
      name: 'holdfast_cache_reads_total',
      help: 'Reads of the cache in this process, by what they found.',
    });
    this.loads = new Counter({
      ...shape,
      name: 'holdfast_cache_loads_total',
      help: 'Values that this process had computed, by what became of them.',
    });
  }

  /** Every series is there from the first moment, at zero. */
  onApplicationBootstrap(): void {
    for (const source of this.sources.names()) {
      for (const outcome of reads) this.reads?.inc({ source, outcome }, 0);
      for (const outcome of loads) this.loads?.inc({ source, outcome }, 0);
    }
  }

  /** The source must be one that is declared. */
  countRead(source: string, outcome: CacheRead): void {
    this.reads?.inc({ source, outcome });
  }

  /** The source must be one that is declared. */
  countLoad(source: string, outcome: CacheLoad): void {
    this.loads?.inc({ source, outcome });
  }
}
