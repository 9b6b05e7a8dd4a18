import { Injectable } from '@nestjs/common';
import { CacheSource, type CacheRequest } from '../cache/cache-source';
import { QueueCounter } from './queue-counts.service';
import { QueueRegistry } from './queue-registry.service';

@Injectable()
export class QueueStatsCacheSource extends CacheSource {
  readonly name = 'queue-stats';
  readonly description = 'How many jobs of each queue are in which state, of all tenants.';

  constructor(
    private readonly registry: QueueRegistry,
    private readonly counter: QueueCounter,
  ) {
    super();
  }

  override async load({ signal }: CacheRequest) {
    const queues: Record<string, unknown> = {};
    for (const entry of this.registry.all()) {
      signal.throwIfAborted();
      queues[entry.definition.name] = await this.counter.count(entry);
    }
    return { at: new Date().toISOString(), queues };
  }
}
