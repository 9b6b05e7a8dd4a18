import type { JobsOptions } from 'bullmq';
import type { JobOrigin } from '../queue/add-job';
import { declaredJob } from '../queue/define-queue';
import type { RegisteredQueue } from '../queue/queue-registry.service';
import type { Returnable } from './returnable';

/** The options of the next generation. The delay has been waited for, and the time to wait begins anew. */
export function returnedOptions(letter: Returnable, { definition }: RegisteredQueue): JobsOptions {
  const { delay = 0, origin, ...options } = letter.options as JobsOptions & { origin?: Partial<JobOrigin> };
  const { expiresAt, redrivenAt, version: storedVersion, ...rest } = origin ?? {};
  const waitedFrom = redrivenAt ?? (letter.createdAt?.getTime() ?? 0) + delay;
  const waitLimitMs = expiresAt === undefined ? 0 : expiresAt - waitedFrom;
  const now = Date.now();
  const version =
    letter.editedPayload === null ? storedVersion : declaredJob(definition, letter.type)?.version;
  const next: JobOrigin = {
    tenant: letter.tenant,
    correlationId: letter.jobId,
    ...rest,
    ...(version !== undefined && version > 1 && { version }),
    ...(waitLimitMs > 0 && { expiresAt: now + waitLimitMs, redrivenAt: now }),
    generation: letter.generation + 1,
  };
  const returned: JobsOptions & { origin: JobOrigin } = { ...options, jobId: letter.jobId, origin: next };
  return returned;
}

/** Who is gone from Redis was waited for by nobody any more. */
export function withoutParent(options: JobsOptions): JobsOptions {
  const { parent: _parent, fpof: _fpof, idof: _idof, ...alone } = options as Record<string, unknown>;
  return alone;
}
