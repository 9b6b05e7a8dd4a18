import { Logger } from '@nestjs/common';
import { raw2NextJobData, type RedisQueueBackend, type WorkerOptions } from 'bullmq';
import { ReplyError, type Cluster, type Redis } from 'ioredis';
import { Unpackr } from 'msgpackr';
import { gatheredJobsScript, queueKeys } from './gathered-jobs-script';

type Argument = string | number;
type NextJob = NonNullable<Parameters<typeof raw2NextJobData>[0]>;
/** A code of BullMQ's, what it hands out as the next job, or the text of an error. */
type Answer = number | NextJob | string;
type Commands = Record<string, ((...args: Argument[]) => Promise<Buffer>) | undefined>;

const COMMAND = 'holdfastGatherJobs';
const KEYED_COMMAND = 'holdfastGatherKeyedJobs';
// A part of the jobs that a worker has in hand, so that Redis works on one while this process works on the others; and
// no more than keep everybody else waiting for two milliseconds.
const [FEWEST_GATHERED, MOST_GATHERED, PARTS] = [25, 50, 4];

// A time in milliseconds is larger than 32 bits, and no reason for a BigInt.
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' });

interface Finish {
  readonly id: string;
  readonly args: readonly Argument[];
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

type GatheringOptions = Pick<WorkerOptions, 'concurrency' | 'limiter' | 'metrics' | 'removeOnComplete'> & {
  readonly lockDuration: number;
  readonly name: string;
  /** How many more jobs the worker could begin at this moment; unless given, it takes them one by one. */
  readonly freeSlots?: (() => number) | undefined;
  /** Puts a job back that was taken for a slot and that nobody asks for any more. */
  readonly giveBack?: ((job: TakenJob) => void) | undefined;
  /** How many completed jobs stay; unless given, all of them until the sweeper has asked whether they may go. */
  readonly kept?: number | undefined;
  /** The key of the ids of jobs that have dead letters. */
  readonly lettered?: string | undefined;
  /** Of a queue with limits per key. */
  readonly keyed?: KeyedGathering | undefined;
};

/** What the gatherer and the permits of a queue with limits per key have to tell each other. */
export interface KeyedGathering {
  /** What the script has to know of the queue and of what its keys may have. */
  readonly scriptArguments: readonly Argument[];
  /** Hears of each job that is taken, as Redis answers. */
  onTaken(answer: unknown): void;
  /** Hears of a job whose permit was given back with its end. */
  onReleased(job: EndedJob): void;
  /** Hears that a key may have something to let in. */
  onHeld(): void;
}

let hasWarned = false;

function warnOnce(): void {
  if (hasWarned) return;
  hasWarned = true;
  new Logger('Worker').warn(
    'Jobs are finished one by one: this BullMQ is not the one that gathering was written for.',
  );
}

type Complete = RedisQueueBackend['moveToCompleted'];
type Take = RedisQueueBackend['moveToActive'];

// As BullMQ's script says that nothing waits, and nothing is to be waited for.
const NOTHING = [0, 0, 0, 0] as unknown as NextJob;

/** A job that was taken with others, and is handed out in the same turn of the loop; or that nothing waits behind them. */
export interface TakenJob {
  readonly answer: NextJob;
  readonly token: string;
}
export type EndedJob = Parameters<Complete>[0];

/**
 * Sends the ends of all jobs that complete in one turn of the loop to Redis in one call, which also brings their
 * successors: BullMQ spends most of a small job's time, here and there, on entering a call for each. A worker with free
 * slots takes what waits in the same way: BullMQ asks for one after the other, and works on none before it has them all.
 */
export class JobGatherer {
  private waiting: Finish[] = [];
  private readonly ready: TakenJob[] = [];
  private expected = 0;
  /** Of jobs that were handed out, until they are made. */
  private readonly tokens = new Map<string, string>();
  private isScheduled = false;
  private readonly keys: string[];
  private readonly base: string;
  private readonly shared: readonly Argument[];
  private readonly limits: readonly Argument[];
  private readonly keyed: KeyedGathering | undefined;
  private readonly command: string;
  private readonly most: number;
  private readonly giveBack: GatheringOptions['giveBack'];

  private constructor(
    private readonly backend: RedisQueueBackend,
    private readonly client: Redis | Cluster,
    { lockDuration, name, concurrency = 1, kept = -1, lettered = '', keyed, giveBack }: GatheringOptions,
  ) {
    this.most = Math.max(FEWEST_GATHERED, Math.min(MOST_GATHERED, Math.floor(concurrency / PARTS)));
    this.giveBack = giveBack;
    this.keys = queueKeys.map((key) => backend.toKey(key));
    this.base = backend.toKey('');
    this.shared = [lockDuration, name, kept, lettered];
    this.limits = keyed?.scriptArguments ?? [];
    this.keyed = keyed;
    this.command = `${keyed === undefined ? COMMAND : KEYED_COMMAND}Buffer`;
  }

  /**
   * Makes a worker's backend gather. It stays as it is where BullMQ's script is not the one that is known, and where
   * the worker limits its own rate, counts, or removes what has completed.
   */
  static install(
    backend: RedisQueueBackend,
    client: Redis | Cluster,
    options: GatheringOptions,
  ): JobGatherer | undefined {
    const { limiter, metrics, removeOnComplete, keyed, freeSlots } = options;
    const lua = gatheredJobsScript(keyed !== undefined);
    if (lua === undefined) warnOnce();
    if (lua === undefined || (limiter ?? metrics ?? removeOnComplete) !== undefined) return undefined;
    const command = keyed === undefined ? COMMAND : KEYED_COMMAND;
    if (!(command in client)) client.defineCommand(command, { lua });
    const gatherer = new JobGatherer(backend, client, options);
    const complete = backend.moveToCompleted.bind(backend);
    backend.moveToCompleted = (job, result, keep, token, fetchNext) => {
      if (keep !== undefined) return complete(job, result, keep, token, fetchNext);
      return gatherer.complete(job, result, token, fetchNext);
    };
    if (freeSlots !== undefined) {
      const takeOne = backend.moveToActive.bind(backend);
      backend.moveToActive = (token, workerName) =>
        gatherer.take(token, freeSlots()) ?? takeOne(token, workerName);
    }
    return gatherer;
  }

  /** The token that a job was taken with, once; undefined where it was taken alone, with the one that was given. */
  takeToken(id: string): string | undefined {
    const token = this.tokens.get(id);
    this.tokens.delete(id);
    return token;
  }

  private take(token: string, free: number): ReturnType<Take> | undefined {
    const next = this.ready.shift();
    if (next !== undefined) return Promise.resolve(this.handOut(next));
    const wanted = Math.min(free - this.expected, this.most);
    if (wanted < 2) return undefined;
    // Whoever asks meanwhile has that many slots less.
    this.expected += wanted - 1;
    return this.takeMany(token, wanted).finally(() => (this.expected -= wanted - 1));
  }

  private async takeMany(token: string, wanted: number): ReturnType<Take> {
    const given = this.heard(await this.call([], [wanted, token, Date.now()]));
    const isTaken = (answer: Answer): answer is NextJob => typeof answer === 'object' && isJob(answer);
    const taken = given.flatMap((answer, at) =>
      isTaken(answer) ? [{ answer, token: at === 0 ? token : `${token}:${at + 1}` }] : [],
    );
    const last = given.at(-1) ?? 0;
    if (taken.length === 0 && typeof last === 'string') throw new ReplyError(last);
    // What is no job says how long to wait for one.
    if (!isTaken(last)) taken.push({ answer: typeof last === 'object' ? last : NOTHING, token });
    const [first, ...others] = taken;
    this.ready.push(...others);
    // A worker asks for one after the other in this very turn of the loop, unless it is stopped in between.
    if (others.length > 0) setImmediate(() => this.giveUp());
    return this.handOut(first!);
  }

  private giveUp(): void {
    for (const one of this.ready.splice(0)) if (isJob(one.answer)) this.giveBack?.(one);
  }

  private handOut({ answer, token }: TakenJob): Awaited<ReturnType<Take>> {
    if (isJob(answer)) {
      this.keyed?.onTaken(answer);
      this.tokens.set(String(answer[1]), token);
    }
    return raw2NextJobData(answer);
  }

  private complete(job: EndedJob, result: unknown, token: string, fetchNext: boolean): ReturnType<Complete> {
    const { id = '', opts } = job;
    const finishedOn = Date.now();
    const value = JSON.stringify(result) ?? 'null';
    const fetch = fetchNext && !this.backend.closing ? 1 : 0;
    const args = [id, finishedOn, value, token, fetch, opts.attempts ?? 1];
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer) => {
        const problem = this.problemOf(job, answer);
        if (problem === undefined) resolve({ result: this.successorOf(job, answer), finishedOn });
        else reject(problem);
      };
      this.gather({ id, args, resolve: settle, reject });
    });
  }

  private problemOf({ id }: EndedJob, answer: Answer): Error | undefined {
    if (typeof answer === 'string') return new ReplyError(answer);
    if (typeof answer !== 'number' || answer >= 0) return undefined;
    const context = { jobId: id, command: 'moveToFinished', state: 'active' };
    return this.backend.finishedErrors({ code: answer, ...context });
  }

  private successorOf(job: EndedJob, answer: Answer): ReturnType<typeof raw2NextJobData> {
    this.keyed?.onReleased(job);
    if (typeof answer !== 'object') return [];
    this.keyed?.onTaken(answer);
    try {
      return raw2NextJobData(answer);
    } catch {
      // That is no error of the job before it: it is found without a lock.
      return [];
    }
  }

  private gather(finish: Finish): void {
    this.waiting.push(finish);
    if (this.waiting.length >= this.most) this.send();
    else if (!this.isScheduled) {
      this.isScheduled = true;
      setImmediate(() => {
        this.isScheduled = false;
        this.send();
      });
    }
  }

  private send(): void {
    const some = this.waiting;
    if (some.length === 0) return;
    this.waiting = [];
    this.call(some).then(
      (answers) => this.settle(some, answers),
      (error: Error) => some.forEach(({ reject }) => reject(error)),
    );
  }

  private settle(some: readonly Finish[], answers: readonly Answer[]): void {
    const given = this.heard(answers);
    some.forEach(({ resolve }, at) => resolve(given[at] ?? 'ERR Redis gave no answer'));
  }

  /** The answers about jobs: of a queue with limits per key the last one is about keys. */
  private heard(answers: readonly Answer[]): readonly Answer[] {
    if (this.keyed === undefined) return answers;
    if (answers.at(-1) === 1) this.keyed.onHeld();
    return answers.slice(0, -1);
  }

  /** The ends of jobs, and how many others may begin, under which token and since when. */
  private async call(
    some: readonly Finish[],
    starts: readonly [wanted: number, token: string, at: number] = [0, '', 0],
  ): Promise<readonly Answer[]> {
    const args: Argument[] = [this.keys.length + some.length, ...this.keys];
    for (const { id } of some) args.push(this.base + id);
    args.push(this.base, ...this.shared, ...starts, ...this.limits);
    for (const one of some) args.push(...one.args);
    const answer = await (this.client as unknown as Commands)[this.command]!(...args);
    return unpackr.unpack(answer) as Answer[];
  }
}

function isJob([hash]: NextJob): boolean {
  return Array.isArray(hash);
}
