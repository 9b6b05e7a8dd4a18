import { eventually } from '../support/eventually';
import { compilePrograms, type CompiledPrograms } from '../support/compile-programs';
import type { ServerProcess } from '../support/process';
import { countJobs, type CountedJob } from './census';
import { query } from './database-client';
import { FaultScene } from './fault-scene';
import { figuresOf, type Figures } from './figures';
import { Journal } from './journal';
import type { Answered, Order, Subject } from './subject';
import { sinkTables } from './subject/effect-sink';

const usualDeadlineMs = 10_000;

export interface StageOptions {
  readonly isPostgresOwn?: boolean;
  /** Gives the naive variant the Redis that Holdfast asks for, so that its other weaknesses come to light. */
  readonly isRedisDurable?: boolean;
}

/** One subject on one scene: its processes, its callers, their journal, and the count at the end. */
export class Stage {
  readonly scene = new FaultScene();
  readonly journal = new Journal();
  private programs?: CompiledPrograms;
  private supervision?: Promise<void>;
  /** How often a supervised worker has ended. */
  ends = 0;
  private isClosing = false;

  constructor(readonly subject: Subject) {}

  async open({ isPostgresOwn, isRedisDurable }: StageOptions = {}): Promise<void> {
    this.programs = compilePrograms('test/faults/subject');
    const hasDefaultRedis = this.subject.hasDefaultRedis && isRedisDurable !== true;
    await this.scene.open({ isPostgresOwn, hasDefaultRedis });
    await query(this.scene.databaseUrl, sinkTables);
  }

  async close(): Promise<void> {
    this.isClosing = true;
    await this.scene.close();
    await this.supervision;
    this.programs?.remove();
  }

  /** Starts the subject in one role; resolves when it answers. */
  async start(role: 'all' | 'api' | 'worker', settings: Record<string, string> = {}): Promise<ServerProcess> {
    // The workloads that ship are not what is broken here.
    const queues = { ...(role !== 'api' && { WORKER_QUEUES: 'chaos' }) };
    const program = this.programs?.program(this.subject.name);
    const { server } = await this.scene.start(
      { ROLE: role, LOG_LEVEL: 'warn', ...queues, ...settings },
      program,
    );
    return server;
  }

  /** Keeps a worker running: whenever one has ended, another takes its place, until the stage closes. */
  async supervise(settings: Record<string, string> = {}): Promise<void> {
    const first = await this.start('worker', settings);
    this.supervision = this.replaceForEver(first, settings).catch(() => undefined);
  }

  private async replaceForEver(first: ServerProcess, settings: Record<string, string>): Promise<void> {
    for (let worker = first; !this.isClosing; worker = await this.start('worker', settings)) {
      await worker.ended;
      this.ends += 1;
      if (this.isClosing) return;
    }
  }

  /** Places one order and writes down the answer; a call that is not answered in time is unknown. */
  async place(
    api: Pick<ServerProcess, 'url'>,
    order: Order,
    deadlineMs = usualDeadlineMs,
  ): Promise<Answered> {
    const answered = await this.send(api, order, deadlineMs).catch((): Answered => ({ outcome: 'unknown' }));
    this.journal.note(order.payload.key, answered);
    return answered;
  }

  /** Repeats one order until it is accepted, as callers are told to. */
  async placeUntilAccepted(
    api: Pick<ServerProcess, 'url'>,
    order: Order,
    deadlineMs = 60_000,
  ): Promise<string> {
    await eventually(
      async () => expect(await this.place(api, order, 3_000)).toMatchObject({ outcome: 'accepted' }),
      deadlineMs,
    );
    return this.journal.idOf(order.payload.key);
  }

  /** Whether a look at a path of the subject shows this within the deadline. */
  async shows(
    api: Pick<ServerProcess, 'url'>,
    path: string,
    text: RegExp,
    deadlineMs: number,
  ): Promise<boolean> {
    const look = async () => expect(await (await fetch(`${api.url}${path}`)).text()).toMatch(text);
    return await eventually(look, deadlineMs).then(
      () => true,
      () => false,
    );
  }

  async jobs(): Promise<CountedJob[]> {
    return await this.scene.redis.query((client) => countJobs(client, 'bull:chaos'));
  }

  /** How often each key was started, and how often its effect has happened. */
  async happened(what: 'starts' | 'effects'): Promise<Map<string, number>> {
    const rows = await query<{ key: string; times: number }>(
      this.scene.databaseUrl,
      `SELECT key, count(*)::int AS times FROM chaos_${what} GROUP BY key`,
    );
    return new Map(rows.map(({ key, times }) => [key, times]));
  }

  async untilStarted(key: string, times = 1, deadlineMs = 30_000): Promise<void> {
    await eventually(
      async () => expect((await this.happened('starts')).get(key) ?? 0).toBeGreaterThanOrEqual(times),
      deadlineMs,
    );
  }

  async untilHappened(keys: readonly string[], deadlineMs = 30_000): Promise<void> {
    await eventually(
      async () =>
        expect([...(await this.happened('effects')).keys()]).toEqual(expect.arrayContaining([...keys])),
      deadlineMs,
    );
  }

  async failedReason(key: string): Promise<string> {
    return (await this.field(key, 'failedReason')) ?? '';
  }

  async attemptsMade(key: string): Promise<number> {
    return Number((await this.field(key, 'atm')) ?? 0);
  }

  private async field(key: string, name: string): Promise<string | null> {
    const job = `bull:chaos:${this.journal.idOf(key)}`;
    return await this.scene.redis.query((client) => client.hget(job, name));
  }

  /** The figures as they stand now. */
  async figures(): Promise<Figures> {
    const [jobs, deadIds, effects] = await Promise.all([
      this.jobs(),
      this.subject.deadIds(this.scene.redis, this.scene.databaseUrl),
      this.happened('effects'),
    ]);
    return figuresOf({ journal: this.journal, jobs, deadIds, effects });
  }

  /** The figures as soon as nothing is pending any more, or as they are at the deadline. */
  async settled(deadlineMs: number): Promise<Figures> {
    let figures: Figures | undefined;
    await eventually(async () => {
      figures = await this.figures();
      expect(figures).toMatchObject({ pending: 0, lost: 0 });
    }, deadlineMs).catch((error: unknown) => {
      if (figures === undefined) throw error;
    });
    return figures!;
  }

  private async send(api: Pick<ServerProcess, 'url'>, order: Order, deadlineMs: number): Promise<Answered> {
    const { path, body, headers } = this.subject.request(order);
    const answer = await fetch(`${api.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(deadlineMs),
    });
    return this.subject.read(answer.status, (await answer.json()) as Record<string, unknown>);
  }
}
