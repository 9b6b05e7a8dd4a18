import { Processor } from '@nestjs/bullmq';
import { Logger, Module } from '@nestjs/common';
import type { Job } from 'bullmq';
import { IsIn, IsString, MaxLength } from 'class-validator';
import { createHash } from 'node:crypto';
import { defineQueue } from '../../../src/platform/queue/define-queue';
import { JobConsumer, type JobHandlers } from '../../../src/platform/queue/job-consumer';
import { QueueModule } from '../../../src/platform/queue/queue.module';
import { Secret } from '../../../src/platform/secrets/secret.decorator';

class VaultPayload {
  @IsIn(['tell', 'fail', 'throw-text', 'reject-unheard'])
  does!: string;

  /** No secret: has to be found where the secrets must not be. */
  @IsString()
  @MaxLength(200)
  note!: string;

  @Secret()
  @IsString()
  @MaxLength(200)
  password!: string;

  @Secret()
  @IsString()
  @MaxLength(200)
  odd!: string;
}

const vaultQueue = defineQueue({
  name: 'vault',
  domain: 'faults',
  description: 'Jobs with secrets that say all they know, for the test of secrets.',
  jobs: {
    'open-vault': {
      payload: VaultPayload,
      attempts: 2,
      backoff: { type: 'fixed', delayMs: 50 },
      searchable: ['note'],
    },
  },
  worker: { concurrency: 5 },
});

@Processor(vaultQueue.name)
class VaultProcessor extends JobConsumer<typeof vaultQueue> {
  private readonly log = new Logger('Vault');

  constructor() {
    super(vaultQueue);
  }

  protected readonly handlers: JobHandlers<typeof vaultQueue> = {
    'open-vault': (job) => this.open(job),
  };

  private async open(job: Job<VaultPayload>): Promise<unknown> {
    const { does, note, password, odd } = job.data;
    const all = `${note} ${password} ${odd} ${encodeURIComponent(odd)} ${Buffer.from(password).toString('base64')}`;
    this.log.warn({ msg: `The handler tells ${all}`, password, inside: { token: odd, list: [all] }, all });
    await job.log(all);
    await job.updateProgress({ percent: 50, stage: 'telling', message: all });
    if (does === 'fail') throw new Error(`cannot log in with ${all}`, { cause: new Error(`because ${all}`) });
    // What a careless library does.
    // oxlint-disable-next-line typescript/only-throw-error
    if (does === 'throw-text') throw all;
    if (does === 'reject-unheard') void Promise.reject(new Error(`nobody hears ${all}`));
    // Shows that the handler had the secrets themselves.
    const digest = createHash('sha256').update(`${password}\n${odd}`).digest('hex');
    return { digest, told: all, nested: [{ all }] };
  }
}

@Module({ imports: [QueueModule.forQueue(vaultQueue)], providers: [VaultProcessor] })
export class VaultModule {}
