import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Leader } from '../leader/leader.service';
import { eachForItself } from '../queue/each-for-itself';
import { QueueRegistry, type RegisteredQueue } from '../queue/queue-registry.service';
import { KeyLimitStore } from './key-limit-store.service';

const INTERVAL_MS = 5_000;
const KEYS_PER_PAGE = 500;
// Another turn goes on where this one stopped.
const MAX_PAGES_PER_TURN = 10;

/** Frees what crashes, and tools that know nothing of keys, have left behind. */
@Injectable()
export class PermitReconciler implements OnApplicationBootstrap {
  private readonly logger = new Logger('KeyLimits');
  private readonly places = new Map<string, string>();

  constructor(
    private readonly leader: Leader,
    private readonly registry: QueueRegistry,
    private readonly store: KeyLimitStore,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('key-limits', INTERVAL_MS, () => this.turn());
  }

  /** Looks at all jobs that were let in, and at up to 5,000 keys of each queue. Rejects with the error of Redis. */
  async turn(): Promise<void> {
    const limited = this.registry.all().filter(({ definition }) => definition.keyLimits !== undefined);
    await eachForItself(limited, (entry) => this.look(entry));
  }

  private async look(entry: RegisteredQueue): Promise<void> {
    const { name } = entry.definition;
    for (let page = 0; page < MAX_PAGES_PER_TURN; page += 1) {
      const after = this.places.get(name) ?? '';
      const { last, freed } = await this.store.reconcile(entry, after, KEYS_PER_PAGE, page === 0);
      this.places.set(name, last);
      if (freed > 0) this.logger.log({ msg: `${freed} permits were nobody's and are free`, queue: name });
      if (last === '') return;
    }
  }
}
