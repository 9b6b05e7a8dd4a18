import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { withPriority } from '../agent-queue';
import type { OrchestratorPayload } from './orchestrator.payload';
import { orchestratorQueue } from './orchestrator.queue';

@Injectable()
export class OrchestratorProducer extends JobProducer<typeof orchestratorQueue> {
  constructor(@InjectQueue(orchestratorQueue.name) queue: Queue) {
    super(orchestratorQueue, queue);
  }

  addOrchestratorJob(data: OrchestratorPayload, options?: AddOptions) {
    return this.add('orchestrator-job', data, withPriority(data, options));
  }
}
