import { getQueueToken } from '@nestjs/bullmq';
import type { DynamicModule, Type } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import type { Queue } from 'bullmq';
import { randomBytes } from 'node:crypto';
import { ErrorReportingModule } from '../../../src/platform/error-reporting/error-reporting.module';
import { HopelessJobError } from '../../../src/platform/queue/job-outcome';
import { JobDispatcher } from '../../../src/platform/queue/job-dispatcher.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { SecretsModule } from '../../../src/platform/secrets/secrets.module';
import { JobCancellation } from '../../../src/platform/worker/job-cancellation.service';
import { Quarantine } from '../../../src/platform/worker/quarantine.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { VaultModule } from '../../faults/vault/vault.module';
import { eventually } from '../../support/eventually';
import { NotesModule, NotesProducer, NoteWork } from '../../support/notes-queue';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';
import { SentrySink } from '../../support/sentry-sink';

describe('failures that are reported, by a worker on a real Redis to an address of the test', () => {
  const prefix = randomPrefix();
  let sink: SentrySink;
  let app: TestingModule | undefined;

  beforeEach(async () => {
    sink = await SentrySink.open();
  });
  afterEach(async () => {
    if (app !== undefined) {
      await removeKeys(app, prefix);
      await app.close();
      app = undefined;
    }
    await sink.close();
  });

  async function start(
    run: NoteWork['run'],
    { dsn = sink.dsn, modules = [] as (Type | DynamicModule)[], settings = {} } = {},
  ) {
    const started = await startQueueApp([NotesModule, ErrorReportingModule, ...modules], {
      REDIS_PREFIX: prefix,
      SENTRY_DSN: dsn,
      ...settings,
    });
    app = started;
    started.get(NoteWork).run = run;
    started.get(WorkerRunner).startChosen();
    const queue = started.get<Queue>(getQueueToken('notes'));
    return {
      app: started,
      write: (...args: Parameters<NotesProducer['write']>) => started.get(NotesProducer).write(...args),
      ends: (id: string, state: string) =>
        eventually(async () => expect(await queue.getJobState(id)).toBe(state), 10_000),
      failed: (count: number) =>
        eventually(async () => expect(await queue.getFailedCount()).toBe(count), 10_000),
      stop: async () => {
        await removeKeys(started, prefix);
        app = undefined;
        await started.close();
      },
    };
  }
  const fail = () => Promise.reject(new Error('the printer is out of paper'));

  it('are one event for a job that died, with all that finds it again', async () => {
    const { write, ends, stop } = await start(fail);
    const id = await write('a', { attempts: 2, correlationId: 'order-7' });
    await ends(id, 'failed');
    await stop();
    expect(sink.paths).toEqual(['POST /api/42/envelope/']);
    const [event] = sink.events;
    expect(event?.tags).toEqual({
      kind: 'job',
      queue: 'notes',
      type: 'write-note',
      jobId: id,
      attempt: '2',
      attempts: '2',
      cause: 'attempts_used',
      correlationId: 'order-7',
      errorGroup: expect.stringMatching(/^[0-9a-f]{16}$/),
      role: 'all',
      worker: expect.stringContaining(String(process.pid)),
    });
    expect(event).toMatchObject({ level: 'error', environment: 'development' });
    expect(event?.fingerprint).toEqual(['job', 'notes', 'write-note', event?.tags['errorGroup']]);
    const [exception] = event?.exception.values ?? [];
    expect(exception).toMatchObject({ type: 'Error', value: 'the printer is out of paper' });
    const frames = exception?.stacktrace?.frames ?? [];
    expect(frames.some(({ filename }) => String(filename).includes('error-reporting.spec.ts'))).toBe(true);
    const shown = new Set(frames.flatMap((frame) => Object.keys(frame)));
    for (const member of ['vars', 'context_line', 'pre_context', 'post_context']) {
      expect(shown).not.toContain(member);
    }
  });

  it('are one event for a job that no worker can read, however many processes look for such jobs', async () => {
    const { app: server, stop } = await start(() => Promise.resolve());
    const { producer } = server.get(RedisConnections);
    const queue = server.get<Queue>(getQueueToken('notes'));
    const key = queue.toKey('notes_torn');
    await producer.hset(key, { name: 'write-note', data: '{"text":"the secret of a torn job"', opts: '{}' });
    await producer.hset(key, { timestamp: '1' });
    await producer.lpush(queue.toKey('active'), 'notes_torn');
    const quarantine = server.get(Quarantine);
    await Promise.all(Array.from({ length: 3 }, () => quarantine.sweep()));
    await quarantine.sweep();
    expect(await queue.getJobState('notes_torn')).toBe('failed');
    await stop();
    expect(sink.events).toHaveLength(1);
    const [event] = sink.events;
    expect(event?.tags).toMatchObject({
      kind: 'job',
      queue: 'notes',
      type: 'write-note',
      jobId: 'notes_torn',
      cause: 'corrupt_data',
      errorGroup: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(event?.exception.values[0]).toMatchObject({
      type: 'JobDeathError',
      value: 'What Redis holds of the job is not JSON: data.',
    });
    expect(JSON.stringify(event)).not.toContain('torn job');
  });

  it('are none for a job that fails and then succeeds, nor for one that was cancelled', async () => {
    let runs = 0;
    const {
      app: server,
      write,
      ends,
      stop,
    } = await start(({ text }, signal) => {
      if (text === 'long') {
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      }
      runs += 1;
      return runs < 3 ? fail() : Promise.resolve('good');
    });
    await ends(await write('again', { attempts: 3 }), 'completed');
    const long = await write('long');
    await ends(long, 'active');
    await server.get(JobCancellation).cancel(long, { reason: 'no need', by: 'test' });
    await ends(long, 'failed');
    await stop();
    expect(runs).toBe(3);
    expect(sink.requests).toBe(0);
  });

  it('say why: a job that cannot succeed, one that ran too long', async () => {
    const { write, ends, stop } = await start(({ text }, signal) => {
      if (text === 'hopeless') return Promise.reject(new HopelessJobError('no such printer'));
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      );
    });
    await ends(await write('hopeless'), 'failed');
    await ends(await write('slow', { attempts: 1, timeoutMs: 100 }), 'failed');
    await stop();
    expect(new Set(sink.events.map(({ tags }) => tags['cause']))).toEqual(
      new Set(['timeout', 'unrecoverable']),
    );
    expect(sink.events).toHaveLength(2);
  });

  it('hold nothing of payloads and nothing that looks like a secret, whatever a handler says', async () => {
    const canary = `canary-${randomBytes(6).toString('hex')}`;
    const { write, ends, stop } = await start(({ text }) => {
      const all = `${text} ${encodeURIComponent(text)} ${Buffer.from(text).toString('base64')}`;
      const cause = new Error(`Bearer ${canary}-bearer at redis://app:${canary}-url@db:6379`);
      const error = new Error(`cannot print ${all} with password=${canary}-password`, { cause });
      return Promise.reject(Object.assign(error, { note: text, headers: { cookie: `${canary}-cookie` } }));
    });
    await ends(await write(`${canary} in the text`, { attempts: 1 }), 'failed');
    await stop();
    const [envelope = ''] = sink.envelopes;
    expect(sink.events[0]?.exception.values[0]?.value).toContain('cannot print •••');
    expect(envelope).not.toContain(canary);
    expect(envelope).not.toContain(Buffer.from(canary).toString('base64').slice(0, 16));
  });

  it('hold no secret field of a payload', async () => {
    const key = `k1:${randomBytes(32).toString('base64')}`;
    const { app: server, stop } = await start(fail, {
      modules: [SecretsModule, VaultModule],
      settings: { SECRETS_KEYS: key },
    });
    const secrets = ['Zebra&Quartz "9"', 'odd'.padEnd(20, '~')];
    const [password = '', odd = ''] = secrets;
    for (const does of ['fail', 'throw-text']) {
      await server
        .get(JobDispatcher)
        .dispatch('open-vault', { does, note: 'n', password, odd }, { attempts: 1 });
    }
    const vault = server.get<Queue>(getQueueToken('vault'));
    await eventually(async () => expect(await vault.getFailedCount()).toBe(2), 5_000);
    await stop();
    expect(sink.events).toHaveLength(2);
    const text = sink.envelopes.join('\n');
    for (const secret of secrets) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(JSON.stringify(secret).slice(1, -1));
      expect(text).not.toContain(encodeURIComponent(secret));
      expect(text).not.toContain(Buffer.from(secret).toString('base64').replaceAll('=', ''));
    }
  });

  it('are at most ten of one fault in a minute, and jobs fail as they would', async () => {
    const { write, failed, stop } = await start(fail);
    await Promise.all(Array.from({ length: 40 }, (_, at) => write(`n${at}`, { attempts: 1 })));
    await failed(40);
    await stop();
    expect(sink.events).toHaveLength(10);
  });

  it('of a worker are one a minute, however often it fails', async () => {
    const { app: server, write, stop } = await start(fail);
    // The queue's list becomes something that no script of BullMQ can work with.
    const { producer } = server.get(RedisConnections);
    await producer.set(`${prefix}:notes:completed`, 'spoiled');
    server.get(NoteWork).run = () => Promise.resolve('done');
    await write('a');
    await write('b');
    await eventually(
      () => expect(sink.events.some(({ tags }) => tags['kind'] === 'worker')).toBe(true),
      5_000,
    );
    await producer.del(`${prefix}:notes:completed`);
    await stop();
    const faults = sink.events.filter(({ tags }) => tags['kind'] === 'worker');
    expect(new Set(faults.map(({ fingerprint }) => fingerprint.join())).size).toBe(faults.length);
    expect(faults[0]?.tags).toMatchObject({ queue: 'notes' });
  });

  describe.each([
    ['is away', (own: SentrySink) => own.close().then(() => SentrySink.open())],
    ['never answers', (own: SentrySink) => Promise.resolve(Object.assign(own, { answer: 'hang' }))],
    ['answers 500', (own: SentrySink) => Promise.resolve(Object.assign(own, { answer: 500 }))],
  ])('to an address that %s', (_how, spoil) => {
    it('cost jobs nothing, and a stop at most two seconds', async () => {
      const { dsn } = sink;
      sink = await spoil(sink);
      const { write, failed, stop, app: server } = await start(fail, { dsn });
      await Promise.all(Array.from({ length: 15 }, (_, at) => write(`n${at}`, { attempts: 1 })));
      await failed(15);
      server.get(NoteWork).run = () => Promise.resolve('good');
      const queue = server.get<Queue>(getQueueToken('notes'));
      await write('after');
      await eventually(async () => expect(await queue.getCompletedCount()).toBe(1), 5_000);
      const beganAt = performance.now();
      await stop();
      expect(performance.now() - beganAt).toBeLessThan(5_000);
    });
  });

  it('stop for as long as the address asks for with 429', async () => {
    sink.answer = 429;
    sink.headers = { 'retry-after': '60' };
    const { app: server, write, ends, stop } = await start(fail);
    await ends(await write('first', { attempts: 1 }), 'failed');
    await eventually(() => expect(sink.requests).toBe(1));
    server.get(NoteWork).run = () => Promise.reject(new Error('another fault'));
    await ends(await write('second', { attempts: 1 }), 'failed');
    await stop();
    expect(sink.requests).toBe(1);
  });

  it('go nowhere else: neither a redirect nor a proxy takes them elsewhere', async () => {
    const elsewhere = await SentrySink.open();
    const before = process.env['http_proxy'];
    process.env['http_proxy'] = elsewhere.dsn.replace('publickey@', '').replace('/42', '');
    try {
      sink.answer = 307;
      sink.headers = { location: elsewhere.dsn.replace('publickey@', '') };
      const { write, ends, stop } = await start(fail);
      await ends(await write('a', { attempts: 1 }), 'failed');
      await stop();
      expect([sink.requests, elsewhere.requests]).toEqual([1, 0]);
    } finally {
      if (before === undefined) delete process.env['http_proxy'];
      else process.env['http_proxy'] = before;
      await elsewhere.close();
    }
  });
});
