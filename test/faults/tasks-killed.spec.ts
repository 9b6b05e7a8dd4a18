import { Client } from 'pg';
import { eventually } from '../support/eventually';
import { SmtpSink } from '../support/smtp-sink';
import type { ApiClient } from './api-client';
import { query } from './database-client';
import { FaultScene } from './fault-scene';

const RECOVERY_MS = 60_000;
const tables = ['notifications', 'dead_letters', 'stored_files'];

/** Stops every reader and writer of the tables, until the function it resolves with is called. */
async function holdTables(url: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`BEGIN; LOCK TABLE ${tables.join(', ')} IN ACCESS EXCLUSIVE MODE`);
  return () => client.end();
}

describe('a worker that is killed in the middle of the tasks of document 004', () => {
  const scene = new FaultScene();
  const sink = new SmtpSink();
  const settings = { LOG_LEVEL: 'warn', SHUTDOWN_TIMEOUT_MS: '5000' };
  let api: ApiClient;

  beforeAll(async () => {
    await sink.listen();
    await scene.open();
    ({ api } = await scene.start({ ...settings, ROLE: 'api', SMTP_URL: sink.url }));
  });
  afterAll(async () => {
    sink.letGo();
    await scene.close();
    await sink.close();
  });

  const worker = () => scene.start({ ...settings, ROLE: 'worker', SMTP_URL: sink.url });
  const add = async (type: string, data: object): Promise<string> => {
    const { status, body } = await api.call('POST', '/api/queue/jobs', { type, data });
    expect({ type, status, errors: body['errors'] }).toEqual({ type, status: 202, errors: undefined });
    return String(body['id']);
  };
  const count = async (text: string, ...values: unknown[]) => {
    const [row] = await query<{ n: number }>(
      scene.databaseUrl,
      `SELECT count(*)::int AS n FROM ${text}`,
      values,
    );
    return row?.n;
  };
  const mail = { to: 'ada@example.org', subject: 'Hello', template: 'test' };

  it('is followed by another, which ends each of them, and what they do has been done once', async () => {
    const form = new FormData();
    form.append('file', new Blob(['<h1>Dear reader</h1><p>All the best.</p>']), 'letter.html');
    const upload = await api.call('POST', '/api/files', form);
    const first = await worker();
    sink.holdsReplies = true;
    const release = await holdTables(scene.databaseUrl);
    const jobs = {
      EMAIL_SEND: await add('EMAIL_SEND', mail),
      USER_NOTIFICATION: await add('USER_NOTIFICATION', {
        userId: 'ada',
        title: 'Reminder',
        body: 'It is time',
      }),
      DATA_EXPORT: await add('DATA_EXPORT', { exportType: 'csv', filters: {}, source: 'dead-letters' }),
      FILE_PROCESS: await add('FILE_PROCESS', { filePath: upload.body['id'], operation: 'extract_text' }),
      CACHE_WARM: await add('CACHE_WARM', { cacheKey: 'start', dataSource: 'dead-letter-groups' }),
    };
    const ids = Object.values(jobs);
    await eventually(async () => {
      const states = await Promise.all(ids.map((id) => api.jobState(id)));
      expect(states).toEqual(ids.map(() => 'active'));
      expect(sink.received).toHaveLength(1);
    }, 20_000);
    await first.server.kill();
    await release();
    sink.letGo();
    await worker();
    for (const id of ids) await api.waitForJob(id, RECOVERY_MS);

    const messageIds = new Set(sink.received.map(({ mail: { messageId } }) => messageId));
    const notifications = await count('notifications WHERE job_id = $1', jobs.USER_NOTIFICATION);
    const files = await Promise.all(
      [jobs.DATA_EXPORT, jobs.FILE_PROCESS].map((id) => count('stored_files WHERE job_id = $1', id)),
    );
    process.stdout.write(
      `TASKS-KILLED jobs=${ids.length} completed=${ids.length} mails=${sink.received.length} messageIds=${messageIds.size} ` +
        `notifications=${notifications} files=${files.join('+')}\n`,
    );
    // The server had the mail when its sender died: only the Message-ID tells that it is the same.
    expect([sink.received.length, messageIds.size]).toEqual([2, 1]);
    expect([notifications, ...files]).toEqual([1, 1, 1]);
  }, 150_000);

  it('stops a mail that is cancelled while the server takes its time, and sends it no more', async () => {
    const before = sink.received.length;
    sink.holdsReplies = true;
    const id = await add('EMAIL_SEND', mail);
    await eventually(() => expect(sink.received).toHaveLength(before + 1), 20_000);
    const answer = await api.call('DELETE', `/api/queue/jobs/${id}?reason=sent+by+mistake`);
    expect(answer.status).toBe(202);
    await eventually(async () => expect(await api.jobState(id)).toBe('cancelled'), 20_000);
    sink.letGo();
    expect(
      await add('EMAIL_SEND', { ...mail, subject: 'Another' }).then((next) => api.waitForJob(next, 20_000)),
    ).toBeUndefined();
    expect(sink.received).toHaveLength(before + 2);
  }, 60_000);
});
