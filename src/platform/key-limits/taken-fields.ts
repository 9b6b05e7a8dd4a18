import type { RedisQueueBackend } from 'bullmq';
import { KEY_FIELD, PERMIT_FIELD } from './key-limit';

/** What the hash of a job says of its key. */
export interface TakenFields {
  readonly [KEY_FIELD]?: string;
  readonly [PERMIT_FIELD]?: string;
}

/** What is told of a job that was let in as it was taken. */
export const letInFields: TakenFields = {};

// The scripts of BullMQ that answer with a job's hash: those that take one, or end one and take the next.
const takers = new Set(['moveToActive', 'moveToFinished', 'moveToDelayed']);
// Whoever takes a job makes one of it at once; more than these are left over by a change of BullMQ.
const MOST_KEPT = 10_000;

/**
 * Keeps what stands in the hashes of jobs that a worker takes until the jobs are made: BullMQ reads them whole and
 * leaves out what it does not know. Where nothing was kept, whoever asks has to ask Redis.
 */
export class TakenJobs {
  private readonly byId = new Map<string, TakenFields>();

  constructor(backend: RedisQueueBackend) {
    const run = backend.execCommand.bind(backend);
    backend.execCommand = (client, command, args) => {
      const answer: unknown = run(client, command, args);
      if (!takers.has(command) || !(answer instanceof Promise)) return answer;
      return answer.then((reply: unknown) => {
        this.keep(reply);
        return reply;
      });
    };
  }

  /** The answer of a script: the hash as a list, then the id; fifth a 1 where the job was let in as it was taken. */
  keep(answer: unknown): void {
    if (!Array.isArray(answer) || !Array.isArray(answer[0])) return;
    const [hash, id, , , isLetIn] = answer as [unknown[], unknown, unknown, unknown, unknown];
    if (this.byId.size >= MOST_KEPT) this.byId.clear();
    if (isLetIn === 1) {
      this.byId.set(String(id), letInFields);
      return;
    }
    const fields: { [KEY_FIELD]?: string; [PERMIT_FIELD]?: string } = {};
    for (let at = 0; at < hash.length; at += 2) {
      const name = hash[at];
      if (name === KEY_FIELD) fields[KEY_FIELD] = String(hash[at + 1]);
      else if (name === PERMIT_FIELD) fields[PERMIT_FIELD] = String(hash[at + 1]);
    }
    this.byId.set(String(id), fields);
  }

  /** What was kept of a job, once. */
  take(id: string): TakenFields {
    const fields = this.byId.get(id);
    this.byId.delete(id);
    return fields ?? {};
  }
}
