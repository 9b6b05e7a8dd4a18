import { Processor } from '@nestjs/bullmq';
import { originOf } from '../../../platform/queue/add-job';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { CharterSearch } from './charter-search.service';
import { flightSearchQueue } from './flight-search.queue';

@Processor(flightSearchQueue.name)
export class FlightSearchProcessor extends JobConsumer<typeof flightSearchQueue> {
  constructor(private readonly work: CharterSearch) {
    super(flightSearchQueue);
  }

  protected readonly handlers: JobHandlers<typeof flightSearchQueue> = {
    'flight-search-job': (job, signal) =>
      this.work.search(job.data, { tenant: originOf(job).tenant, signal }),
  };
}
