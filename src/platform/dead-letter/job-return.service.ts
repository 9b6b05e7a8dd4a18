import { Injectable } from '@nestjs/common';
import { ErrorCode, Job, type JobsOptions } from 'bullmq';
import { FlowReturn } from '../flows/flow-return.service';
import { addJob } from '../queue/add-job';
import { attemptFields } from '../queue/attempt-record';
import { checkPayload } from '../queue/job-payload';
import { passPayloadCheck } from '../queue/payload-checks';
import { QueueRegistry, type RegisteredJobType, type RegisteredQueue } from '../queue/queue-registry.service';
import { RedisConnections } from '../redis/redis-connections.service';
import { opened, sealed, unmasked } from '../secrets/payload-secrets';
import type { RedriveOrder } from './dead-letter.tables';
import { payloadAsFar, payloadOf, RedriveRefusedError, type Returnable } from './returnable';
import { returnedOptions, withoutParent } from './returned-options';

// What is known of the runs before would count against the new one; `defa` is BullMQ's note to fail it.
const BEFORE = [...attemptFields, 'stacktrace', 'defa'];

// Makes a failed job ready for BullMQ's retry, as long as it is the very death that was parked.
const PREPARE = `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 'gone'
end
local opts = redis.call('HGET', KEYS[1], 'opts')
if tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or -1) ~= tonumber(ARGV[2]) then
  local isStored, stored = pcall(cjson.decode, opts or '{}')
  local origin = isStored and type(stored) == 'table' and stored.origin
  local generation = type(origin) == 'table' and tonumber(origin.generation) or 0
  return generation >= tonumber(ARGV[3]) and 'returned' or 'elsewhere'
end
redis.call('HSET', KEYS[1], 'opts', ARGV[4])
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'data', ARGV[5]) end
if #ARGV > 5 then redis.call('HDEL', KEYS[1], unpack(ARGV, 6)) end
return 'ready'
`;

export interface ReturnedJob {
  readonly id: string;
  readonly queue: string;
  /** The jobs of its flow that had died of its death, and wait for it again. */
  readonly revived?: readonly string[];
}

/** Puts dead jobs back to work; a second time for the same death changes nothing. */
@Injectable()
export class JobReturn {
  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly flows: FlowReturn,
  ) {}

  /** Throws {@link RedriveRefusedError} or PayloadInvalidError where this dead letter can never run so. */
  async check(letter: Returnable, order: RedriveOrder): Promise<void> {
    if (order.target !== undefined) {
      await this.checkTarget(letter, order.target, order.type);
      return;
    }
    await this.refuseParent(letter);
    const contract = this.contractAt(letter, letter.queue);
    // As stored it passed its check once, and an older contract is brought up to date by the consumer.
    if (letter.editedPayload !== null) await checkPayload(...contract);
  }

  private async checkTarget(letter: Returnable, target: string, type = letter.type): Promise<void> {
    const { job, queue } = this.knownAt(target, type);
    if (job.startedBy !== undefined) {
      throw new RedriveRefusedError(
        `A job of type "${type}" works under its own id only: leave "target" out, or begin anew with ${job.startedBy}.`,
      );
    }
    const contract = this.contractAt(letter, target, type);
    await checkPayload(...contract);
    passPayloadCheck(queue, type, contract[2]);
  }

  /**
   * Another payload for a dead letter, as it is to be stored; the mask of a secret means that it stays.
   * Throws {@link RedriveRefusedError} or PayloadInvalidError where it does not fit the dead letter's type.
   */
  async edited(letter: Returnable, edited: object): Promise<object> {
    const { type, tenant, queue } = letter;
    const known = this.knownAt(queue, type);
    const place = { tenant, type };
    const secret = known.job.payload;
    const payload = unmasked(secret, edited, opened(known.queue, secret, place, payloadAsFar(letter)));
    await checkPayload(type, secret, payload);
    passPayloadCheck(known.queue, type, payload);
    return sealed(known.queue, secret, place, payload);
  }

  /**
   * The job that runs now in place of the dead one. Undefined when it was retried meanwhile by somebody else.
   * `isStillOpen` is asked before a job that Redis no longer has is added anew: it may have run and gone since.
   */
  async bringBack(
    letter: Returnable,
    order: RedriveOrder,
    isStillOpen = (): Promise<boolean> => Promise.resolve(true),
  ): Promise<ReturnedJob | undefined> {
    if (order.target !== undefined) return this.sendTo(letter, order, order.target);
    const entry = this.registry.get(letter.queue);
    if (entry === undefined)
      throw new RedriveRefusedError(`Queue "${letter.queue}" does not exist any more.`);
    const options = returnedOptions(letter, entry);
    const state = await this.prepare(entry, letter, order.resetAttempts, options);
    if (state === 'elsewhere') return undefined;
    const revived = state === 'ready' ? await this.rejoin(entry, letter) : [];
    if (state === 'ready') await retry(entry, letter, options, order.resetAttempts);
    if (state === 'gone' && (await isStillOpen())) {
      await entry.queue.add(letter.type, payloadOf(letter), withoutParent(options));
    }
    return { id: letter.jobId, queue: letter.queue, revived };
  }

  private async rejoin(entry: RegisteredQueue, { jobId }: Returnable): Promise<readonly string[]> {
    const rejoined = await this.flows.rejoin(entry, jobId);
    if (rejoined.kind === 'rejoined') return rejoined.revived;
    throw new RedriveRefusedError(
      `Job ${rejoined.job}, which waited for it, is just being failed: try again in a moment.`,
    );
  }

  /** A job that died because it waited in vain can do nothing until what it waited for is done. */
  private async refuseParent({ cause, queue, jobId }: Returnable): Promise<void> {
    const entry = this.registry.get(queue);
    if (cause !== 'child_failed' || entry === undefined) return;
    const dead = await this.flows.deadChildren(entry, jobId);
    if (dead !== undefined && dead.length === 0) return;
    throw new RedriveRefusedError(
      dead === undefined
        ? 'The results that it waited for have gone from Redis: start its flow anew.'
        : `It waits for ${dead.join(', ')}: send that back, and the flow goes on by itself.`,
    );
  }

  private prepare(
    { queue, definition }: RegisteredQueue,
    letter: Returnable,
    resetAttempts: boolean,
    options: JobsOptions,
  ): Promise<unknown> {
    this.connections.assertReady();
    const base = `${queue.opts.prefix}:${definition.name}`;
    return this.connections.producer.eval(
      PREPARE,
      2,
      `${base}:${letter.jobId}`,
      `${base}:failed`,
      letter.jobId,
      letter.finishedAt,
      letter.generation + 1,
      JSON.stringify(options),
      letter.editedPayload ?? '',
      ...(resetAttempts ? BEFORE : ['defa']),
    );
  }

  private async sendTo(
    letter: Returnable,
    { by: caller, type = letter.type }: RedriveOrder,
    target: string,
  ): Promise<ReturnedJob> {
    const [, , payload] = this.contractAt(letter, target, type);
    const { definition, queue } = this.registry.get(target)!;
    const { tenant } = letter;
    // The dead letter is the key, so that a repeated send is still one job.
    const options = { key: `redrive/${letter.id}`, tenant, caller };
    const job = await addJob(definition, queue, type, payload, options);
    return { id: job.id ?? '', queue: target };
  }

  /** The payload with its secrets open, and what it has to fit. */
  private contractAt(letter: Returnable, target: string, type = letter.type) {
    const { job, queue } = this.knownAt(target, type);
    const own = this.registry.type(letter.type)?.job.payload;
    const place = { tenant: letter.tenant, type: letter.type };
    return [type, job.payload, opened(queue, own, place, payloadOf(letter))] as const;
  }

  private knownAt(target: string, type: string): RegisteredJobType {
    const known = this.registry.type(type);
    if (known !== undefined && known.definition.name === target) return known;
    throw new RedriveRefusedError(
      `Queue "${target.slice(0, 63)}" declares no job type "${type.slice(0, 100)}".`,
    );
  }
}

async function retry(
  { queue }: RegisteredQueue,
  letter: Returnable,
  options: JobsOptions,
  resetAttempts: boolean,
): Promise<void> {
  const job = new Job(queue, letter.type, {}, options, letter.jobId);
  try {
    await job.retry('failed', { resetAttemptsMade: resetAttempts, resetAttemptsStarted: resetAttempts });
  } catch (error) {
    // Another process has brought the same death back a moment before.
    const { code } = error as { code?: unknown };
    if (code !== ErrorCode.JobNotInState && code !== ErrorCode.JobNotExist) throw error;
  }
}
