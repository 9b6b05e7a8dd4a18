import * as fc from 'fast-check';
import { setTimeout as pause } from 'node:timers/promises';
import { DeadLetterParker } from '../../../src/platform/dead-letter/dead-letter-parker.service';
import { DeadLetterRedrive } from '../../../src/platform/dead-letter/dead-letter-redrive.service';
import { HopelessJobError } from '../../../src/platform/queue/job-outcome';
import { JobRemovals } from '../../../src/platform/queue/job-removals.service';
import type { Priority } from '../../../src/platform/queue/priority';
import { RetentionSweeper } from '../../../src/platform/retention/retention-sweeper.service';
import { JobCancellation } from '../../../src/platform/worker/job-cancellation.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import type { QueueName } from './model';
import type { World } from './world';

/** One deed of a sequence; it checks what it can see, and the sequence checks the rest after it. */
export interface Command {
  readonly run: (world: World) => Promise<void>;
}

type ValueOf<A> = A extends fc.Arbitrary<infer T> ? T : never;

const HOUR_MS = 3_600_000;
const STALE_MS = 5;
const MONTH_MS = 30 * 24 * HOUR_MS;
const wish = { by: 'model', reason: 'The model wants it.' };

const queue = fc.constantFrom<QueueName>('in-order', 'by-priority');
const oneIn = (many: number) => fc.nat(many - 1).map((value) => value === many - 1);
const pick = fc.record({ number: fc.nat(1_000) });

function command<T>(
  name: string,
  weight: number,
  args: fc.Arbitrary<T>,
  run: (world: World, args: T) => Promise<void>,
): fc.WeightedArbitrary<Command> {
  const arbitrary = args.map((values) => ({
    run: (world: World) => run(world, values),
    [fc.toStringMethod]: () => `${name} ${fc.stringify(values)}`,
  }));
  return { weight, arbitrary };
}

const order = fc.record({
  queue,
  priority: fc.constantFrom<Priority>('urgent', 'normal', 'low'),
  attempts: fc.integer({ min: 1, max: 3 }),
  isDelayed: oneIn(4),
  hasLongBackoff: fc.boolean(),
  isStale: oneIn(10),
});

async function add(world: World, args: ValueOf<typeof order>): Promise<void> {
  const { attempts, isDelayed, hasLongBackoff, isStale } = args;
  const text = world.newText();
  const id = await world.producer(args.queue).take(text, {
    key: text,
    attempts,
    backoff: { type: 'fixed', delayMs: hasLongBackoff ? HOUR_MS : 0 },
    ...(args.queue === 'by-priority' && { priority: args.priority }),
    ...(isDelayed && { delayMs: HOUR_MS }),
    ...(isStale && !isDelayed && { waitLimitMs: 1 }),
  });
  if (isStale) await pause(STALE_MS);
  const state = isDelayed ? 'delayed' : 'runnable';
  world.model.add({
    id,
    queue: args.queue,
    text,
    attempts,
    hasLongBackoff,
    isStale: isStale && !isDelayed,
    state,
  });
}

async function addAgain(world: World, { number }: { number: number }): Promise<void> {
  const job = world.model.pick(number, 'runnable', 'delayed', 'active', 'completed', 'dead', 'cancelled');
  if (job === undefined || job.isGone) return;
  expect(await world.producer(job.queue).take(job.text, { key: job.text })).toBe(job.id);
}

async function remove(world: World, { number }: { number: number }): Promise<void> {
  const job = world.model.pick(number, 'runnable', 'delayed', 'active');
  if (job === undefined) return;
  const isRemoved = await world.get(JobRemovals).remove(job.id, { kind: 'removed', ...wish });
  expect(isRemoved).toBe(job.state !== 'active');
  if (isRemoved) world.model.remove(job);
}

async function cancel(world: World, { number }: { number: number }): Promise<void> {
  const job = world.model.pick(number, 'runnable', 'delayed', 'active', 'completed');
  if (job === undefined) return;
  const outcome = await world.get(JobCancellation).cancel(job.id, wish);
  if (job.state === 'completed') expect(outcome).toBe('finished');
  else if (job.state === 'active') {
    expect(outcome).toBe('requested');
    job.isCancelWanted = true;
  } else {
    expect(outcome).toBe('removed');
    world.model.remove(job);
  }
}

const work = fc.record({
  queue,
  ending: fc.constantFrom('completes', 'completes', 'fails', 'fails', 'is hopeless', 'is cancelled'),
});

async function workOne(world: World, { queue: name, ending }: ValueOf<typeof work>): Promise<void> {
  world.work = async (id, signal) => {
    if (ending === 'fails') throw new Error('The model lets it fail.');
    if (ending === 'is hopeless') throw new HopelessJobError('The model lets it die.');
    if (ending === 'completes') return 'done';
    expect(await world.get(JobCancellation).cancel(id, wish)).toBe('requested');
    await pause(10_000, undefined, { signal });
    return 'too late';
  };
  const { model } = world;
  const canWork = model.runnable(name).length > 0 && !model.paused.has(name);
  const processed = await world.get(WorkerRunner).processNext(name);
  expect(processed !== undefined).toBe(canWork);
  if (processed === undefined) return;
  const job = model.jobs.get(processed.id ?? '');
  if (job?.state !== 'runnable') throw new Error(`Job ${processed.id} was worked, but it is ${job?.state}.`);
  job.starts += 1;
  if (model.endsAtStart(job)) job.state = 'dead';
  else if (job.isCancelWanted || ending === 'is cancelled') job.state = 'cancelled';
  else if (ending === 'completes') job.state = 'completed';
  else model.fail(job, ending === 'is hopeless');
}

async function promote(world: World, { number }: { number: number }): Promise<void> {
  const job = world.model.pick(number, 'delayed');
  if (job === undefined) return;
  await (await world.queue(job.queue).getJob(job.id))?.promote();
  job.state = 'runnable';
}

async function redrive(world: World, { number }: { number: number }): Promise<void> {
  const job = world.model.pick(number, 'dead');
  if (job === undefined) return;
  await world.get(DeadLetterParker).turn();
  const letter = await world.letterOf(job.id);
  const redrives = world.get(DeadLetterRedrive);
  // Two operators at the same time; one of them comes too late.
  const outcomes = await Promise.all(
    [0, 1].map(() => redrives.redrive([letter], { ...wish, resetAttempts: true })),
  );
  const kinds = outcomes.flat().map(({ kind }) => kind);
  expect(kinds.sort()).toEqual(['decided', 'redriven']);
  // It may wait anew for as long as it might have at first.
  if (job.isStale) await pause(STALE_MS);
  world.model.redrive(job);
}

async function lose(world: World, { queue: name }: { queue: QueueName }): Promise<void> {
  const { model } = world;
  const id = await world.lose(name);
  expect(id !== undefined).toBe(model.runnable(name).length > 0 && !model.paused.has(name));
  const job = model.jobs.get(id ?? '');
  if (job === undefined) return;
  job.starts += 1;
  job.state = 'active';
}

async function takeBackLost(world: World, { queue: name }: { queue: QueueName }): Promise<void> {
  await world.takeBackLost(name);
  for (const job of world.model.jobs.values()) {
    if (job.queue !== name || job.state !== 'active') continue;
    job.losses += 1;
    job.state = 'runnable';
  }
}

async function setPaused(
  world: World,
  { queue: name, isPaused }: { queue: QueueName; isPaused: boolean },
): Promise<void> {
  await (isPaused ? world.queue(name).pause() : world.queue(name).resume());
  world.model.paused[isPaused ? 'add' : 'delete'](name);
}

/** So late that retention takes all that is finished; a dead job stays a dead letter. */
async function sweep(world: World): Promise<void> {
  await world.get(RetentionSweeper).sweep(Date.now() + MONTH_MS);
  for (const job of world.model.jobs.values()) {
    if (job.state === 'dead') job.isGone = true;
    if (job.state !== 'completed' && job.state !== 'cancelled') continue;
    world.model.jobs.delete(job.id);
    world.model.expired += 1;
  }
}

/** Whatever can happen to jobs; a sequence draws from all of it. */
export const commands: readonly fc.WeightedArbitrary<Command>[] = [
  command('add', 8, order, add),
  command('add again', 1, pick, addAgain),
  command('work', 10, work, workOne),
  command('remove', 2, pick, remove),
  command('cancel', 2, pick, cancel),
  command('promote', 2, pick, promote),
  command('redrive', 3, pick, redrive),
  command('lose', 2, fc.record({ queue }), lose),
  command('take back the lost', 2, fc.record({ queue }), takeBackLost),
  command('pause or resume', 2, fc.record({ queue, isPaused: oneIn(3) }), setPaused),
  command('sweep', 1, fc.constant({}), sweep),
  command('restart', 1, fc.constant({}), (world) => world.restart()),
];
