import type { JobsOptions, Queue } from 'bullmq';
import type { Cluster, Redis } from 'ioredis';
import { isAway, isOutcomeUnknown, refusalOf } from '../redis/redis-unavailable.error';
import { deduplicationMs, isFollowed, type QueueDefinition } from './define-queue';
import { knownJobBase, knownJobOf, knownJobText, payloadFingerprint, type KnownJob } from './known-job';
import type { Priority } from './priority';
import { hintChannel } from '../key-limits/key-limit';
import { keyLimitText } from '../key-limits/queue-limits';
import { STORE_JOBS, STORE_KEYED_JOBS, storeJobsKeys } from './store-jobs-script';

/** A job on its way to Redis: checked, and with everything settled that will be stored. */
export interface PreparedJob {
  readonly id: string;
  readonly type: string;
  /** As it will be stored: with its secrets sealed. */
  readonly payload: object;
  /** The payload as it will be stored. */
  readonly json: string;
  /** BullMQ's options, with our origin among them. */
  readonly options: JobsOptions;
  readonly priority: Priority;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Whether somebody can name the job twice: then a repeat is told from another job by type and payload. */
  readonly isNamed: boolean;
  /** Whether the job comes back on purpose, so that nothing that is remembered of it keeps it out. */
  readonly isReturn: boolean;
  /** Whether a memory of it counts only once it has ended. */
  readonly isPromised: boolean;
  /** What the queue limits it by, if anything. */
  readonly limitKey?: string;
}

/** What became of one job that was to be stored. */
export interface StoredOutcome {
  readonly isNew: boolean;
  /** Another type or payload has the job's key; always together with `known`. */
  readonly isConflict: boolean;
  /** What is remembered of the job that was there first. */
  readonly known?: KnownJob;
}

/** The connection was lost, or Redis did not answer, after the jobs were sent: they may be stored. */
export class EnqueueOutcomeUnknownError extends Error {
  constructor(cause: unknown) {
    super('It is not known whether the job was stored: Redis took it and did not answer.', { cause });
    this.name = 'EnqueueOutcomeUnknownError';
  }
}

// One step of Redis keeps everybody else waiting: 250 jobs take it about 3 ms.
export const JOBS_PER_STEP = 250;
const COMMAND = 'holdfastStoreJobs';
const KEYED_COMMAND = 'holdfastStoreKeyedJobs';

type Reply = 1 | readonly (string | null)[];
type Command = (args: (string | number)[]) => Promise<Reply[]>;
type Client = (Redis | Cluster) & { [COMMAND]?: Command; [KEYED_COMMAND]?: Command };

/** Stores jobs of one queue in steps of 250, each of them whole or not at all. Throws the first step's error. */
export async function storeJobs(
  definition: QueueDefinition,
  queue: Queue,
  jobs: readonly PreparedJob[],
): Promise<StoredOutcome[]> {
  const client = queue.opts.connection as Client;
  const isKeyed = definition.keyLimits !== undefined;
  const command = isKeyed ? KEYED_COMMAND : COMMAND;
  if (client[command] === undefined) {
    const lua = isKeyed ? STORE_KEYED_JOBS : STORE_JOBS;
    client.defineCommand(command, { lua, numberOfKeys: storeJobsKeys.length });
  }
  const outcomes: StoredOutcome[] = [];
  for (let from = 0; from < jobs.length; from += JOBS_PER_STEP) {
    const step = jobs.slice(from, from + JOBS_PER_STEP);
    const replies = await send(client, command, argumentsOf(definition, queue, step));
    replies.forEach((reply, at) => outcomes.push(outcomeOf(reply, step[at]!)));
  }
  return outcomes;
}

async function send(
  client: Client,
  command: typeof COMMAND | typeof KEYED_COMMAND,
  args: (string | number)[],
): Promise<Reply[]> {
  const wasConnected = client.status === 'ready';
  try {
    return await client[command]!(args);
  } catch (error) {
    // A command that timed out may still be sent later; one that was never sent is no job.
    if (isOutcomeUnknown(error) || (wasConnected && isLost(error))) {
      throw new EnqueueOutcomeUnknownError(error);
    }
    throw error;
  }
}

function isLost(error: unknown): boolean {
  return isAway(error) && refusalOf(error) === undefined;
}

function argumentsOf(
  definition: QueueDefinition,
  queue: Queue,
  jobs: readonly PreparedJob[],
): (string | number)[] {
  const prefix = queue.opts.prefix ?? 'bull';
  const base = `${prefix}:${definition.name}:`;
  const args: (string | number)[] = [
    ...storeJobsKeys.map((name) => base + name),
    base,
    knownJobBase(prefix),
    isFollowed(definition) ? 1 : 0,
  ];
  const isKeyed = definition.keyLimits !== undefined;
  if (isKeyed) args.push(hintChannel(prefix), definition.name, keyLimitText(queue));
  const lifeMs = deduplicationMs(definition);
  for (const job of jobs) {
    const { id, type, json, options, createdAt, isNamed, isReturn, isPromised } = job;
    const { delay = 0, priority = 0 } = options;
    // Of a queue that remembers nobody there is nothing to look up either.
    const isKnown = isNamed && delay + lifeMs > 0;
    const note = isKnown
      ? knownJobText({ fingerprint: payloadFingerprint(type, json), createdAt, type })
      : '';
    const life = isReturn ? 0 : (delay + lifeMs) * (isPromised ? -1 : 1);
    args.push(id, type, json, JSON.stringify(options), createdAt, delay, priority, note, life);
    if (isKeyed) args.push(job.limitKey ?? '');
  }
  return args;
}

function outcomeOf(reply: Reply, { isNamed, type, json }: PreparedJob): StoredOutcome {
  if (reply === 1) return { isNew: true, isConflict: false };
  const known = reply.length === 1 ? knownJobOf(reply[0] ?? '') : storedJob(reply);
  if (known === undefined) return { isNew: false, isConflict: false };
  const isConflict = isNamed && known.fingerprint !== payloadFingerprint(type, json);
  return { isNew: false, isConflict, known };
}

/** What would have been remembered of a job, from the job itself. */
function storedJob([type, data, timestamp]: readonly (string | null)[]): KnownJob | undefined {
  try {
    const fingerprint = payloadFingerprint(type ?? '', data ?? '');
    return { fingerprint, createdAt: Number(timestamp), type: type ?? '' };
  } catch {
    return undefined;
  }
}
