import type { Job } from 'bullmq';
import { originOf } from '../queue/add-job';
import type { QueueDefinition } from '../queue/define-queue';
import { KEY_FIELD, limitKeyOf, PERMIT_FIELD } from './key-limit';
import { letInFields, type TakenFields } from './taken-fields';

/** What a worker knows of a job of a queue with limits per key. */
export interface JobPermit {
  /** Undefined for a job without a key. */
  readonly key: string | undefined;
  /** Whether it was let in for this very start. */
  readonly isLetIn: boolean;
  /** Whether it counts as ready until it starts. */
  readonly isCounted: boolean;
}

// Nobody asks for the key of such a job: the script that let it in knows it.
const letIn: JobPermit = { key: 'known', isLetIn: true, isCounted: false };

/** A job that a stranger has added, or that was there before its queue had limits, gets its key here. */
export function jobPermit({ keyLimits }: QueueDefinition, fields: TakenFields, job: Job): JobPermit {
  if (fields === letInFields) return letIn;
  const { [KEY_FIELD]: stored, [PERMIT_FIELD]: permit = '' } = fields;
  const key =
    stored ??
    (keyLimits === undefined ? undefined : limitKeyOf(keyLimits, job.data, job.name, originOf(job)));
  const isCounted = permit.endsWith('r') && Number.parseInt(permit, 10) === job.attemptsStarted;
  return { key, isLetIn: isCounted || permit === String(job.attemptsStarted), isCounted };
}
