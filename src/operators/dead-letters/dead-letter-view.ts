import type { DeadLetter } from '../../platform/dead-letter/dead-letter-entry';
import type { RedriveOutcome } from '../../platform/dead-letter/dead-letter-redrive.service';
import type { DeadLetterGroup, DeadLetterSummary } from '../../platform/dead-letter/dead-letter-summary';
import type {
  DeadLetterDetailDto,
  DeadLetterDto,
  DeadLetterGroupDto,
  ReturnedJobDto,
} from './dead-letter.dto';
import { shown } from '../../platform/secrets/payload-secrets';

export const DEAD_LETTERS_PATH = '/api/queue/dead-letters';

/** Where a job answers. */
export function jobPath(id: string): string {
  return `/api/queue/jobs/${id}`;
}

/** A dead letter as lists show it: never its payload. */
export function deadLetterView(letter: Omit<DeadLetterSummary, 'isEdited'>, edited: boolean): DeadLetterDto {
  const self = `${DEAD_LETTERS_PATH}/${letter.id}`;
  return {
    id: letter.id,
    status: letter.status,
    queue: letter.queue,
    jobId: letter.jobId,
    generation: letter.generation,
    key: letter.key,
    type: letter.type,
    cause: letter.cause,
    error: { name: letter.errorName, message: letter.errorMessage, group: letter.fingerprint },
    attempts: { made: letter.attemptsMade, max: letter.attemptsMax },
    ...(letter.createdAt !== null && { createdAt: letter.createdAt.toISOString() }),
    finishedAt: iso(letter.finishedAt),
    redriveCount: letter.redriveCount,
    redrivenAs: letter.redrivenAs,
    redrivenFrom: letter.redrivenFrom,
    edited,
    ...(letter.changeReason !== null && {
      decision: { by: letter.changedBy, reason: letter.changeReason, at: letter.changedAt.toISOString() },
    }),
    links: {
      self,
      job: jobPath(letter.redrivenAs ?? letter.jobId),
      redrive: `${self}/redrive`,
      dashboard: `/admin/queues/queue/${letter.queue}_dlq/${letter.id}`,
    },
  };
}

/** A dead letter with all that is known of it. */
export function deadLetterDetail(letter: DeadLetter): DeadLetterDetailDto {
  const { editedPayload, payload, options, attempts, errorStack } = letter;
  const view = deadLetterView(letter, editedPayload !== null);
  return {
    ...view,
    error: { ...view.error, ...(errorStack !== null && { stack: errorStack }) },
    payload: parsed(payload),
    ...(editedPayload !== null && { editedPayload: parsed(editedPayload) }),
    options,
    history: [...attempts],
  };
}

export function groupView({
  fingerprint,
  errorName,
  errorMessage,
  ...group
}: DeadLetterGroup): DeadLetterGroupDto {
  return {
    errorGroup: fingerprint,
    name: errorName,
    message: errorMessage,
    ...group,
    firstAt: iso(group.firstAt),
    lastAt: iso(group.lastAt),
  };
}

export function returnedJobView({
  jobId,
  generation,
}: RedriveOutcome & { kind: 'redriven' }): ReturnedJobDto {
  return { id: jobId, generation, links: { self: jobPath(jobId) } };
}

/** With the mask in the place of secrets. */
function parsed(payload: string): unknown {
  try {
    return shown(JSON.parse(payload) as unknown);
  } catch {
    return payload;
  }
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
