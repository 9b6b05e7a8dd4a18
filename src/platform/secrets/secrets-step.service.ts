import { Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import { hideInContext } from '../logging/correlation';
import { formsOf } from '../logging/redact';
import { originOf } from '../queue/add-job';
import { JobDeathError } from '../queue/death-cause';
import { declaredJob, type QueueDefinition } from '../queue/define-queue';
import { JobStep } from '../queue/job-step';
import { openedWith } from './payload-secrets';
import { SecretUnreadableError } from './secret-box';
import { Secrets } from './secrets.service';

/** Hands every handler its payload with the secrets open, and keeps them out of whatever it says from then on. */
@Injectable()
export class SecretsStep extends JobStep {
  constructor(private readonly secrets: Secrets) {
    super();
  }

  override prepare(job: Job, definition: QueueDefinition): unknown {
    const data: unknown = job.data;
    if (typeof data !== 'object' || data === null) return data;
    const place = { tenant: originOf(job).tenant, type: job.name };
    try {
      const opened = openedWith(this.secrets.box, declaredJob(definition, job.name)?.payload, place, data);
      if (opened.secrets.length > 0) hideInContext(opened.secrets.flatMap(formsOf));
      return opened.payload;
    } catch (error) {
      if (error instanceof SecretUnreadableError) throw new JobDeathError('secret_unreadable', error.message);
      throw error;
    }
  }
}
