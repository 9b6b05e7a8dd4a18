import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { existsSync } from 'node:fs';
import { Settings } from '../../../config/settings';
import { Leader } from '../../../platform/leader/leader.service';
import { JobKeyConflictError } from '../../../platform/queue/add-job';
import { cleanupTargets, MIN_AGE_MS, type CleanupTarget } from './cleanup.payload';
import { CleanupProducer } from './cleanup.producer';

const LOOK_INTERVAL_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ages: Record<CleanupTarget, number> = {
  temp_files: DAY_MS,
  old_logs: 30 * DAY_MS,
  // A session that has expired opens nothing.
  expired_sessions: MIN_AGE_MS,
};

/** Adds a cleanup for each target once in each period, however many processes there are. */
@Injectable()
export class CleanupSchedule implements OnApplicationBootstrap {
  private readonly logger = new Logger('cleanup');
  private doneUntil = -1;

  constructor(
    private readonly settings: Settings,
    private readonly producer: CleanupProducer,
    private readonly leader: Leader,
  ) {}

  onApplicationBootstrap(): void {
    if (this.settings.CLEANUP_EVERY_HOURS === 0) return;
    this.leader.every('cleanup-schedule', LOOK_INTERVAL_MS, () => this.addDue());
  }

  /** Adds what the period of this moment still lacks; the keys make it the same jobs in every process. */
  async addDue(now = Date.now()): Promise<void> {
    const hours = this.settings.CLEANUP_EVERY_HOURS;
    const period = Math.floor(now / (hours * HOUR_MS));
    if (period <= this.doneUntil) return;
    // Files are removed through /proc, which only Linux has.
    const due = existsSync('/proc/self/fd') ? cleanupTargets : (['expired_sessions'] as const);
    for (const targetType of due) {
      const key = `scheduled:${targetType}:${hours}h:${period}`;
      try {
        await this.producer.addCleanup({ targetType, olderThan: ages[targetType] }, { key, priority: 'low' });
      } catch (error) {
        // A release before or after this one, with other ages, was first.
        if (!(error instanceof JobKeyConflictError)) throw error;
      }
    }
    this.doneUntil = period;
    this.logger.log(`The cleanup of this period is in the queue: ${due.join(', ')}.`);
  }
}
