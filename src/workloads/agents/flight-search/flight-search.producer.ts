import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { AddOptions } from '../../../platform/queue/add-job';
import { JobProducer } from '../../../platform/queue/job-producer';
import { withPriority } from '../agent-queue';
import type { FlightSearchPayload } from './flight-search.payload';
import { flightSearchQueue } from './flight-search.queue';

@Injectable()
export class FlightSearchProducer extends JobProducer<typeof flightSearchQueue> {
  constructor(@InjectQueue(flightSearchQueue.name) queue: Queue) {
    super(flightSearchQueue, queue);
  }

  addFlightSearchJob(data: FlightSearchPayload, options?: AddOptions) {
    return this.add('flight-search-job', data, withPriority(data, options));
  }
}
