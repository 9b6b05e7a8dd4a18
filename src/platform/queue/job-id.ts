import { hash, randomBytes } from 'node:crypto';

const DIGEST_CHARACTERS = 22;
const shape = new RegExp(`^([A-Za-z][A-Za-z0-9_-]{0,62})_([A-Za-z0-9_-]{${DIGEST_CHARACTERS}})$`);

/**
 * The id of a job: its queue and 22 URL-safe characters, derived from the caller's key where there is one.
 * The key itself never becomes an id: BullMQ keeps a job beside the queue's own keys,
 * so that a job called `active` or `wait` would stop the queue.
 */
export function jobId(queue: string, key?: string, tenant = 'default'): string {
  const digest =
    key === undefined
      ? randomBytes(17).toString('base64url')
      : hash('sha256', `${tenant}\0${queue}\0${key}`, 'base64url');
  return `${queue}_${digest.slice(0, DIGEST_CHARACTERS)}`;
}

/**
 * The id of a job that has no key, from what its request was named: a repeated request makes the same job.
 * No key can lead to the same id, because a key has no NUL.
 */
export function seededJobId(queue: string, seed: string, tenant = 'default'): string {
  return jobId(queue, `\0${seed}`, tenant);
}

/** The queue that an id names, or undefined for anything that {@link jobId} cannot have made. */
export function queueOfJobId(id: string): string | undefined {
  return shape.exec(id)?.[1];
}
