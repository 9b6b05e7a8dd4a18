import { Processor } from '@nestjs/bullmq';
import { Effects } from '../../../platform/effects/effects.service';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { agentJobOf } from '../agent-job';
import { AlertWebhook } from './alert-webhook.service';
import { errorMonitorQueue } from './error-monitor.queue';
import { ErrorMonitorService } from './error-monitor.service';

@Processor(errorMonitorQueue.name)
export class ErrorMonitorProcessor extends JobConsumer<typeof errorMonitorQueue> {
  constructor(
    private readonly work: ErrorMonitorService,
    private readonly webhook: AlertWebhook,
    private readonly effects: Effects,
  ) {
    super(errorMonitorQueue);
  }

  protected readonly handlers: JobHandlers<typeof errorMonitorQueue> = {
    'error-monitor-job': (job, signal) => this.work.consume(job.data, agentJobOf(job, signal, this.effects)),
    'send-error-alert': (job, signal) => this.webhook.send(job.data, agentJobOf(job, signal, this.effects)),
  };
}
