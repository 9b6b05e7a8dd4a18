import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { COACH, EMBED, type CoachPayload, type EmbedPayload } from './ai.payload';
import { aiQueue } from './ai.queue';

@Injectable()
export class AiProducer extends JobProducer<typeof aiQueue> {
  constructor(@InjectQueue(aiQueue.name) queue: Queue) {
    super(aiQueue, queue);
  }

  addCoach(payload: CoachPayload, options?: AddOptions) {
    return this.add(COACH, payload, options);
  }

  addEmbed(payload: EmbedPayload, options?: AddOptions) {
    return this.add(EMBED, payload, options);
  }
}
