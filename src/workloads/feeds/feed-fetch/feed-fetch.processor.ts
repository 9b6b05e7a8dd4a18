import { Processor } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import { AttemptLog } from '../../../platform/queue/attempt-log.service';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { feedFetchQueue } from './feed-fetch.queue';
import { FeedFetchService, type FetchJob } from './feed-fetch.service';

@Processor(feedFetchQueue.name)
export class FeedFetchProcessor extends JobConsumer<typeof feedFetchQueue> {
  constructor(
    private readonly feeds: FeedFetchService,
    private readonly attempts: AttemptLog,
  ) {
    super(feedFetchQueue);
  }

  protected readonly handlers: JobHandlers<typeof feedFetchQueue> = {
    'fetch-feed': (job, signal) => this.feeds.run(job.data, this.handleOf(job), signal),
  };

  private handleOf(job: Job): FetchJob {
    return {
      id: job.id ?? '',
      isLastAttempt: job.attemptsMade + 1 >= (job.opts.attempts ?? 1),
      isStartedAgain: job.attemptsStarted > 1,
      noteAdvance: () => this.attempts.noteAdvance(feedFetchQueue, job),
      report: (progress) => job.updateProgress({ ...progress }),
    };
  }
}
