import type { Job } from 'bullmq';
import { FlowChildren } from '../../../src/platform/flows/flow-children.service';
import { FlowMemberError } from '../../../src/platform/flows/flow-guards.service';
import { JobRemovals } from '../../../src/platform/queue/job-removals.service';
import { QueueCounter } from '../../../src/platform/queue/queue-counts.service';
import { QueueRegistry } from '../../../src/platform/queue/queue-registry.service';
import { RetentionSweeper } from '../../../src/platform/retention/retention-sweeper.service';
import { JobCancellation } from '../../../src/platform/worker/job-cancellation.service';
import { eventually } from '../../support/eventually';
import { failing, FlowScene, part, whole } from './flow-scene';

describe('a running flow', () => {
  let scene: FlowScene;
  const inputs = new Map<string, unknown>();

  beforeAll(async () => {
    scene = await FlowScene.open();
    scene.run();
  });
  beforeEach(() => {
    scene.work.part = failing();
    scene.work.whole = gather;
  });
  afterAll(() => scene.close());

  /** Notes what a whole gets of its parts. */
  async function gather(job: Job<{ text: string }>): Promise<unknown> {
    const found = await scene.app.get(FlowChildren).of<Record<string, unknown>>(job);
    inputs.set(job.data.text, {
      left: found?.get('left'),
      right: found?.get('right'),
      lost: found?.ignoredFailures,
    });
    return `${job.data.text}!`;
  }

  const hold = () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    return { held, release };
  };

  it('hands the results of children to their parent by name, large ones too', async () => {
    const large = 'x'.repeat(100_000);
    scene.work.part = ({ data }) => Promise.resolve(data.text === 'right' ? large : data.text);
    await scene.start('named', whole('named', part('left'), part('right')));
    const status = await scene.until('named', 'completed');
    expect(inputs.get('named')).toEqual({ left: 'left', right: large, lost: [] });
    expect(status).toMatchObject({ progress: 100, ignoredFailures: [], root: { state: 'completed' } });
  });

  it('counts and shows who waits for whom', async () => {
    const { held, release } = hold();
    scene.work.part = async () => held;
    await scene.start('waits', whole('waits', part('left')));
    await scene.untilJob('waits', 'left', 'active');
    expect(
      await scene.app.get(QueueCounter).count(scene.app.get(QueueRegistry).get('wholes')!),
    ).toMatchObject({
      waitingChildren: 1,
      waiting: 0,
    });
    expect(await scene.status('waits')).toMatchObject({
      state: 'running',
      root: { state: 'waiting-children' },
    });
    release();
    await scene.until('waits', 'completed');
  });

  it('fails with a child whose policy says so, with a cause of its own', async () => {
    scene.work.part = failing('left');
    await scene.start('fatal', whole('fatal', part('left'), part('right')));
    const status = await scene.until('fatal', 'failed');
    const child = await scene.job('fatal', 'left');
    expect(status.root.error).toEqual({
      name: 'JobDeathError',
      message: `Job ${child.id}, which this one waits for, has failed for good.`,
    });
    expect(inputs.has('fatal')).toBe(false);
  });

  it('goes on without a child whose policy says so, and tells of it', async () => {
    scene.work.part = failing('left');
    await scene.start(
      'degraded',
      whole('degraded', part('left', { onFailure: 'degrades-parent' }), part('right')),
    );
    const status = await scene.until('degraded', 'completed');
    const { id } = await scene.job('degraded', 'left');
    expect(inputs.get('degraded')).toEqual({
      right: 'RIGHT',
      lost: [{ name: 'left', jobId: id, reason: 'No part left' }],
    });
    expect(status.ignoredFailures).toEqual([{ path: 'left', jobId: id }]);
  });

  it('goes on when its dead child is sent back, through every job that died of it', async () => {
    scene.work.part = failing('deep');
    const middle = part('left', { children: [part('deep')] });
    await scene.start('revived', whole('revived', middle, part('right')));
    await scene.until('revived', 'failed');
    const [root, left, deep] = await Promise.all(
      ['', 'left', 'left.deep'].map((path) => scene.job('revived', path)),
    );
    scene.work.part = failing();
    expect(await scene.redrive(root?.id ?? '')).toMatchObject({ kind: 'refused' });
    expect(await scene.redrive(left?.id ?? '')).toMatchObject({ kind: 'refused' });
    expect(await scene.redrive(deep?.id ?? '')).toMatchObject({ kind: 'redriven' });
    await scene.until('revived', 'completed');
    expect(inputs.get('revived')).toMatchObject({ left: 'LEFT', right: 'RIGHT' });
    const ids = [root, left, deep].map((job) => job?.id);
    const letters = (await scene.letters()).filter(({ jobId }) => ids.includes(jobId));
    expect(letters.map(({ status }) => status)).toEqual(['redriven', 'redriven', 'redriven']);
  });

  it('stays dead until the last of its dead children is sent back', async () => {
    scene.work.part = failing('left', 'right');
    await scene.start('both', whole('both', part('left'), part('right')));
    await scene.until('both', 'failed');
    await scene.untilJob('both', 'left', 'failed');
    await scene.untilJob('both', 'right', 'failed');
    scene.work.part = failing();
    await scene.redrive((await scene.job('both', 'left')).id);
    await scene.untilJob('both', 'left', 'completed');
    expect((await scene.status('both')).state).toBe('failed');
    await scene.redrive((await scene.job('both', 'right')).id);
    await scene.until('both', 'completed');
    expect(inputs.get('both')).toEqual({ left: 'LEFT', right: 'RIGHT', lost: [] });
  });

  it('is not touched by a child that runs again after it went on without it', async () => {
    scene.work.part = failing('left');
    const { held, release } = hold();
    scene.work.whole = async (job) => {
      await held;
      return gather(job);
    };
    await scene.start(
      'gone on',
      whole('gone on', part('left', { onFailure: 'degrades-parent' }), part('right')),
    );
    await scene.untilJob('gone on', '', 'active');
    scene.work.part = failing();
    await scene.redrive((await scene.job('gone on', 'left')).id);
    await scene.untilJob('gone on', 'left', 'completed');
    release();
    await scene.until('gone on', 'completed');
    expect(inputs.get('gone on')).toMatchObject({ lost: [{ name: 'left' }] });
  });

  it('waits again for a child that is sent back while it still waits', async () => {
    const { held, release } = hold();
    scene.work.part = (job, signal) =>
      job.data.text === 'right' ? held : failing('left')(job).finally(() => signal);
    await scene.start(
      'in time',
      whole('in time', part('left', { onFailure: 'degrades-parent' }), part('right')),
    );
    await scene.untilJob('in time', 'left', 'failed');
    scene.work.part = failing();
    await scene.redrive((await scene.job('in time', 'left')).id);
    await scene.untilJob('in time', 'left', 'completed');
    release();
    await scene.until('in time', 'completed');
    expect(inputs.get('in time')).toMatchObject({ left: 'LEFT', lost: [] });
  });

  it('is cancelled whole: what waits is gone, what runs is told, and nobody runs for want of a child', async () => {
    const { held, release } = hold();
    const told: boolean[] = [];
    scene.work.part = async (_job, signal) => {
      await Promise.race([held, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
      told.push(signal.aborted);
    };
    await scene.start(
      'unwanted',
      whole('unwanted', part('left'), part('right', { options: { delayMs: 60_000 } })),
    );
    await scene.untilJob('unwanted', 'left', 'active');
    const flow = await scene.flows.find('unwanted', 'default');
    expect(await scene.flows.cancel(flow!, { reason: 'not wanted', by: 'tester' })).toBe(true);
    await scene.untilJob('unwanted', 'left', 'cancelled');
    expect(await scene.status('unwanted')).toMatchObject({
      state: 'cancelled',
      root: { children: [{ state: 'cancelled' }, { state: 'cancelled' }] },
    });
    expect(told).toEqual([true]);
    expect(inputs.has('unwanted')).toBe(false);
    release();
  });

  it('keeps its jobs from being removed or cancelled one by one', async () => {
    const { held, release } = hold();
    scene.work.part = async () => held;
    await scene.start('kept', whole('kept', part('left'), part('right', { options: { delayMs: 60_000 } })));
    await scene.untilJob('kept', 'left', 'active');
    const wish = { reason: 'x', by: 'tester' };
    const right = await scene.job('kept', 'right');
    const root = await scene.job('kept', '');
    await expect(scene.app.get(JobCancellation).cancel(right.id, wish)).rejects.toThrow(FlowMemberError);
    await expect(scene.app.get(JobRemovals).remove(root.id, { kind: 'removed', ...wish })).rejects.toThrow(
      '/api/flows/',
    );
    release();
    await scene.flows.cancel((await scene.flows.find('kept', 'default'))!, wish);
    await scene.until('kept', 'cancelled');
  });

  it('keeps what has completed as long as somebody waits for it, and its tree after everything is gone', async () => {
    const { held, release } = hold();
    scene.work.part = async (job) => (job.data.text === 'right' ? held : failing()(job));
    await scene.start('old', whole('old', part('left'), part('right')));
    await scene.untilJob('old', 'left', 'completed');
    const later = Date.now() + 30 * 86_400_000;
    const sweeper = scene.app.get(RetentionSweeper);
    await sweeper.sweep(later);
    expect(await scene.queue('parts').getJob((await scene.job('old', 'left')).id)).toBeDefined();
    release();
    await scene.until('old', 'completed');
    await eventually(async () => {
      await sweeper.sweep(later);
      expect(await scene.queue('parts').getJob((await scene.job('old', 'left')).id)).toBeUndefined();
      expect(await scene.queue('wholes').getJob((await scene.job('old', '')).id)).toBeUndefined();
    }, 10_000);
    expect(await scene.status('old')).toMatchObject({
      state: 'completed',
      root: { state: 'completed', children: [{ state: 'completed' }, { state: 'completed' }] },
    });
  });
});
