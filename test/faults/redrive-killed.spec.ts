import { eventually } from '../support/eventually';
import type { ServerProcess } from '../support/process';
import { ApiClient } from './api-client';
import { figuresLine, type Figures } from './figures';
import { Stage } from './stage';
import { holdfast } from './subject';

const dying = 1_000;
const senders = 8;
const deadLetters = '/api/queue/dead-letters';
const operations = '/api/queue/operations';
const because = { reason: 'the handler was repaired' };

interface Progress {
  readonly status: string;
  readonly counts: { readonly success: number; readonly failure: number };
  readonly detail: string | null;
}

/** A server with a thousand dead letters, and what people do about them. */
class Ward {
  readonly stage = new Stage(holdfast);
  server!: ServerProcess;
  api!: ApiClient;

  async open(): Promise<void> {
    await this.stage.open();
    await this.restart();
  }

  /** With nothing closed and nobody told before. */
  async killAndRestart(): Promise<void> {
    await this.server.kill();
    await this.restart();
  }

  /** Orders that die at their only attempt; `times` is how many of their starts fail. */
  async die(times?: number): Promise<void> {
    const keys = Array.from({ length: dying }, (_, at) => `order ${at}`);
    const send = async () => {
      for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
        const payload = { key, does: 'fail' as const, ...(times !== undefined && { times }) };
        await this.stage.place(this.server, { payload, options: { attempts: 1 } });
      }
    };
    await Promise.all(Array.from({ length: senders }, send));
    await eventually(async () => expect((await this.stage.figures()).dead).toBe(dying), 60_000);
  }

  async startOperation(): Promise<string> {
    const { status, body } = await this.api.call('POST', operations, {
      action: 'redrive',
      filter: { queue: 'chaos' },
      ...because,
    });
    expect(status).toBe(202);
    return String(body['id']);
  }

  async progress(id: string): Promise<Progress> {
    return (await this.api.get(`${operations}/${id}`)).body as unknown as Progress;
  }

  async ended(id: string): Promise<Progress> {
    await eventually(async () => expect((await this.progress(id)).status).not.toBe('running'), 150_000);
    return await this.progress(id);
  }

  async startsSince(before: number): Promise<number> {
    const starts = await this.stage.happened('starts');
    return [...starts.values()].reduce((sum, count) => sum + count, 0) - before;
  }

  report(figures: Figures): void {
    process.stdout.write(figuresLine('F50', holdfast.name, figures));
  }

  private async restart(): Promise<void> {
    this.server = await this.stage.start('all', { CHAOS_LOCK_MS: '2000', CHAOS_STALLED_MS: '1000' });
    this.api = new ApiClient(this.server.url);
  }
}

describe('F50: a thousand dead jobs are redriven, and the server is killed in the middle', () => {
  let ward: Ward;

  beforeEach(async () => {
    ward = new Ward();
    await ward.open();
  }, 60_000);

  afterEach(() => ward.stage.close());

  it('completes each of them once, although two operators ask for it', async () => {
    await ward.die(1);
    const operation = await ward.startOperation();
    const second = await ward.api.call('POST', operations, {
      action: 'redrive',
      filter: {},
      waves: false,
      ...because,
    });
    expect(second).toMatchObject({ status: 409, body: { code: 'operation_running' } });
    await eventually(
      async () => expect((await ward.progress(operation)).counts.success).toBeGreaterThan(11),
      60_000,
    );
    const letters = (await ward.api.get(`${deadLetters}?status=dead&limit=5`)).body['items'] as {
      id: string;
    }[];
    await Promise.allSettled(
      letters.map(({ id }) => ward.api.call('POST', `${deadLetters}/${id}/redrive`, because)),
    );
    await ward.killAndRestart();
    const end = await ward.ended(operation);
    const figures = await ward.stage.settled(60_000);
    ward.report(figures);
    expect(end).toMatchObject({ status: 'completed', counts: { failure: 0 } });
    expect(figures).toMatchObject({
      accepted: dying,
      completed: dying,
      dead: 0,
      lost: 0,
      duplicateEffects: 0,
      ghosts: 0,
    });
    expect((await ward.stage.happened('effects')).size).toBe(dying);
  }, 300_000);

  it('runs at most eleven of them while the handler is still broken', async () => {
    await ward.die();
    const operation = await ward.startOperation();
    await ward.killAndRestart();
    const end = await ward.ended(operation);
    const again = await ward.startsSince(dying);
    await eventually(async () => expect((await ward.stage.figures()).dead).toBe(dying), 30_000);
    const figures = await ward.stage.figures();
    ward.report({ ...figures, startedAgain: again });
    expect(end).toMatchObject({ status: 'halted', counts: { success: 0 } });
    expect(again).toBeGreaterThan(0);
    expect(again).toBeLessThanOrEqual(11);
    expect(figures).toMatchObject({ accepted: dying, dead: dying, lost: 0, duplicateEffects: 0 });
  }, 300_000);
});
