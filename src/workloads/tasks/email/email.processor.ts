import { Processor } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import { Effects } from '../../../platform/effects/effects.service';
import { originOf } from '../../../platform/queue/add-job';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { emailQueue } from './email.queue';
import { EmailService, type EmailJob } from './email.service';

@Processor(emailQueue.name)
export class EmailProcessor extends JobConsumer<typeof emailQueue> {
  constructor(
    private readonly mail: EmailService,
    private readonly effects: Effects,
  ) {
    super(emailQueue);
  }

  protected readonly handlers: JobHandlers<typeof emailQueue> = {
    EMAIL_SEND: (job, signal) => this.mail.send(job.data, this.handleOf(job, signal)),
  };

  private handleOf(job: Job, signal: AbortSignal): EmailJob {
    const { tenant, generation = 0 } = originOf(job);
    return { id: job.id ?? '', generation, tenant, effects: this.effects.of(job, signal) };
  }
}
