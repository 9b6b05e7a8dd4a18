import { Processor } from '@nestjs/bullmq';
import { originOf } from '../../../platform/queue/add-job';
import { JobConsumer, type JobHandlers } from '../../../platform/queue/job-consumer';
import { COACH, EMBED } from './ai.payload';
import { aiQueue } from './ai.queue';
import { CoachService } from './coach.service';
import { EmbedService } from './embed.service';

@Processor(aiQueue.name)
export class AiProcessor extends JobConsumer<typeof aiQueue> {
  constructor(
    private readonly coach: CoachService,
    private readonly embed: EmbedService,
  ) {
    super(aiQueue);
  }

  protected readonly handlers: JobHandlers<typeof aiQueue> = {
    [COACH]: (job, signal) => {
      const { tenant } = originOf(job);
      const isLastAttempt = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
      const report = (progress: object) => job.updateProgress(progress);
      return this.coach.review(job.data, { id: job.id ?? '', tenant, isLastAttempt, report }, signal);
    },
    [EMBED]: (job, signal) => {
      const { tenant } = originOf(job);
      return this.embed.embed(job.data.noteId, { tenant, jobId: job.id ?? '', signal });
    },
  };
}
