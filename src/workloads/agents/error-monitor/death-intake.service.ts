import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Transaction } from '../../../platform/database/database.service';
import {
  DeadLetterWriter,
  type ParkedLetter,
} from '../../../platform/dead-letter/dead-letter-writer.service';
import { Leader } from '../../../platform/leader/leader.service';
import { Outbox } from '../../../platform/outbox/outbox.service';
import { ErrorGroups } from '../error-groups.store';
import { MAX_DEATHS_PER_JOB } from './error-monitor.payload';
import { errorMonitorQueue } from './error-monitor.queue';

const TRIM_INTERVAL_MS = 3_600_000;

/**
 * Promises a job for what has died, in the transaction of the dead letters: each death is in exactly one job, however
 * often it is noticed, and thousands that die together are few jobs.
 */
@Injectable()
export class DeathIntake implements OnApplicationBootstrap {
  constructor(
    private readonly writer: DeadLetterWriter,
    private readonly outbox: Outbox,
    private readonly leader: Leader,
    private readonly groups: ErrorGroups,
  ) {}

  onApplicationBootstrap(): void {
    this.writer.onParked((transaction, letters) => this.take(transaction, letters));
    this.leader.every('error-groups', TRIM_INTERVAL_MS, () => this.groups.trim());
  }

  private async take(transaction: Transaction, letters: readonly ParkedLetter[]): Promise<void> {
    // The death of a job that groups deaths would make another such job, and so on.
    const ids = letters.filter(({ queue }) => queue !== errorMonitorQueue.name).map(({ id }) => id);
    for (let at = 0; at < ids.length; at += MAX_DEATHS_PER_JOB) {
      const deadLetterIds = ids.slice(at, at + MAX_DEATHS_PER_JOB);
      const requestId = `deaths:${deadLetterIds[0]}`.slice(0, 100);
      await this.outbox.put(transaction, {
        type: 'error-monitor-job',
        key: `deaths:${deadLetterIds[0]}`,
        payload: { requestId, userId: 'holdfast', deadLetterIds },
      });
    }
  }
}
