import { Processor } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import { Effects } from '../../../platform/effects/effects.service';
import { originOf } from '../../../platform/queue/add-job';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { USER_NOTIFICATION } from './user-notification.payload';
import { userNotificationQueue } from './user-notification.queue';
import { UserNotificationService, type NotificationJob } from './user-notification.service';

@Processor(userNotificationQueue.name)
export class UserNotificationProcessor extends JobConsumer<typeof userNotificationQueue> {
  constructor(
    private readonly work: UserNotificationService,
    private readonly effects: Effects,
  ) {
    super(userNotificationQueue);
  }

  protected readonly handlers: JobHandlers<typeof userNotificationQueue> = {
    [USER_NOTIFICATION]: (job, signal) => this.work.store(job.data, this.handleOf(job, signal)),
  };

  private handleOf(job: Job, signal: AbortSignal): NotificationJob {
    const { tenant, caller } = originOf(job);
    return {
      id: job.id ?? '',
      tenant,
      ...(caller !== undefined && { caller }),
      effects: this.effects.of(job, signal),
    };
  }
}
