import { Processor } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import { Effects } from '../../../platform/effects/effects.service';
import { originOf } from '../../../platform/queue/add-job';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { SEND_WEB_PUSH } from './web-push.payload';
import { webPushQueue } from './web-push.queue';
import { WebPushService, type PushJob } from './web-push.service';

@Processor(webPushQueue.name)
export class WebPushProcessor extends JobConsumer<typeof webPushQueue> {
  constructor(
    private readonly work: WebPushService,
    private readonly effects: Effects,
  ) {
    super(webPushQueue);
  }

  protected readonly handlers: JobHandlers<typeof webPushQueue> = {
    [SEND_WEB_PUSH]: (job, signal) => this.work.push(job.data, this.handleOf(job, signal)),
  };

  private handleOf(job: Job, signal: AbortSignal): PushJob {
    const { tenant } = originOf(job);
    return { tenant, starts: job.attemptsStarted, signal, effects: this.effects.of(job, signal) };
  }
}
