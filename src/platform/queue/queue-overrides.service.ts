import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { QueueRegistry } from './queue-registry.service';

const names = {
  concurrency: 'QUEUE_CONCURRENCY',
  completed: 'QUEUE_REMOVE_ON_COMPLETE',
  failed: 'QUEUE_REMOVE_ON_FAIL',
};

/** Refuses to start with a number for a queue that does not exist: nobody would notice that it does nothing. */
@Injectable()
export class QueueOverrides implements OnApplicationBootstrap {
  constructor(
    private readonly settings: Settings,
    private readonly registry: QueueRegistry,
  ) {}

  onApplicationBootstrap(): void {
    const { queueNumbers } = this.settings;
    for (const what of ['concurrency', 'completed', 'failed'] as const) {
      const unknown = [...queueNumbers[what].of.keys()].filter(
        (name) => this.registry.get(name) === undefined,
      );
      if (unknown.length === 0) continue;
      const known = this.registry.all().map(({ definition }) => definition.name);
      throw new Error(`${names[what]} names "${unknown.join('", "')}"; the queues are ${known.join(', ')}.`);
    }
  }
}
