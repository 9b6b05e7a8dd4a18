import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Leader } from '../leader/leader.service';
import { QueueRegistry } from '../queue/queue-registry.service';
import { RetentionSweeper } from '../retention/retention-sweeper.service';
import { MemoryWatch } from './memory-watch.service';

const TRIM_INTERVAL_MS = 2_000;
const MAX_JOBS_PER_TURN = 2_000;

/** Removes completed jobs before their time while memory is short; whoever guards them is asked as always. */
@Injectable()
export class EarlyTrim implements OnApplicationBootstrap {
  constructor(
    private readonly leader: Leader,
    private readonly registry: QueueRegistry,
    private readonly watch: MemoryWatch,
    private readonly sweeper: RetentionSweeper,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('memory', TRIM_INTERVAL_MS, () => this.trim());
  }

  /** One pass over all queues that are short of memory, the oldest jobs first. */
  async trim(): Promise<void> {
    for (const entry of this.registry.all()) {
      if (this.watch.fullness(entry) === 'ok') continue;
      await this.sweeper.trim(entry, { state: 'completed', count: MAX_JOBS_PER_TURN });
    }
  }
}
