import { getQueueToken } from '@nestjs/bullmq';
import type { TestingModule } from '@nestjs/testing';
import type { Job, Queue } from 'bullmq';
import { sql } from 'drizzle-orm';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseModule } from '../../../src/platform/database/database.module';
import { Database } from '../../../src/platform/database/database.service';
import { EffectsModule, effectsMigrations } from '../../../src/platform/effects/effects.module';
import { fileMigrations, FilesModule } from '../../../src/platform/files/files.module';
import { LeaderModule } from '../../../src/platform/leader/leader.module';
import { LimitsModule } from '../../../src/platform/limits/limits.module';
import { OutboxModule, outboxMigrations } from '../../../src/platform/outbox/outbox.module';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { SecretsModule } from '../../../src/platform/secrets/secrets.module';
import { StorageModule } from '../../../src/platform/storage/storage.module';
import { JobCancellation } from '../../../src/platform/worker/job-cancellation.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { NotificationChanges } from '../../../src/workloads/tasks/notification-changes.store';
import { NotificationCleaner } from '../../../src/workloads/tasks/notification-cleaner.service';
import { notificationId, Notifications } from '../../../src/workloads/tasks/notifications.store';
import { EmailModule } from '../../../src/workloads/tasks/email/email.module';
import { MailStoresModule } from '../../../src/workloads/tasks/mail-stores.module';
import { NotificationStoresModule } from '../../../src/workloads/tasks/notification-stores.module';
import { tasksMigrations } from '../../../src/workloads/tasks/tasks.module';
import type { UserNotificationPayload } from '../../../src/workloads/tasks/user-notification/user-notification.payload';
import { UserNotificationModule } from '../../../src/workloads/tasks/user-notification/user-notification.module';
import { UserNotificationProcessor } from '../../../src/workloads/tasks/user-notification/user-notification.processor';
import { UserNotificationProducer } from '../../../src/workloads/tasks/user-notification/user-notification.producer';
import { AuthStoresModule, authMigrations } from '../../../src/platform/auth/auth-stores.module';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

const KEPT = 5;
const DAY_MS = 86_400_000;

describe('the queue user-notification', () => {
  const prefix = randomPrefix();
  let database: TestDatabase;
  let home: string;
  let app: TestingModule;

  beforeAll(async () => {
    database = await createTestDatabase();
    home = await mkdtemp(join(tmpdir(), 'holdfast-notification-'));
    const folders = [authMigrations, effectsMigrations, outboxMigrations, fileMigrations, tasksMigrations];
    const platform = [LeaderModule, LimitsModule, AuthStoresModule, EffectsModule, OutboxModule];
    const stores = [StorageModule, FilesModule, SecretsModule, MailStoresModule, NotificationStoresModule];
    const queues = [EmailModule, UserNotificationModule];
    app = await startQueueApp([DatabaseModule.forRoot(folders), ...platform, ...stores, ...queues], {
      REDIS_PREFIX: prefix,
      DATABASE_URL: database.url,
      HOLDFAST_HOME: home,
      WORKER_QUEUES: 'user-notification',
      NOTIFICATIONS_PER_USER: String(KEPT),
      NOTIFICATION_RETENTION_DAYS: '10',
    });
    app.get(WorkerRunner).startChosen();
  });
  afterAll(async () => {
    await removeKeys(app, prefix);
    await app.close();
    await database.drop();
    await rm(home, { recursive: true, force: true });
  });

  const wish = (userId: string, more: Partial<UserNotificationPayload> = {}): UserNotificationPayload => ({
    userId,
    title: 'Your export is ready',
    body: 'It has 2,000 rows.',
    type: 'success',
    ...more,
  });
  const add = async (payload: UserNotificationPayload, tenant = 'default') =>
    (await app.get(UserNotificationProducer).addUserNotification(payload, { tenant })).id ?? '';
  const ended = async (id: string) => {
    await eventually(async () => {
      const job = await app.get(JobReader).read(id);
      expect(['completed', 'failed', 'cancelled']).toContain(job?.state);
    }, 30_000);
    return (await app.get(JobReader).read(id))!;
  };
  const listOf = (userId: string, tenant = 'default') =>
    app.get(Notifications).list({ tenant, userId }, { limit: 100 });
  const mails = async (address: string) => {
    const { producer } = app.get(RedisConnections);
    const ids = (await producer.keys(`${prefix}:email:email_*`)).filter((key) => /_[\w-]{22}$/.test(key));
    const jobs = await Promise.all(ids.map((key) => producer.hget(key, 'data')));
    return jobs.filter((data) => (data ?? '').includes(address)).map((data) => JSON.parse(data!) as object);
  };
  const startAgain = async (id: string) => {
    const job = (await app.get(JobReader).read(id))!;
    const again = {
      id,
      queueName: 'user-notification',
      name: 'USER_NOTIFICATION',
      data: JSON.parse(job.data) as object,
      timestamp: job.createdAt,
      processedOn: Date.now(),
      attemptsStarted: 2,
      opts: {},
    };
    return app.get(UserNotificationProcessor).process(again as unknown as Job);
  };

  it('keeps one notification, under an id that follows from the job, for its tenant alone', async () => {
    const metadata = { link: '/exports/7', tags: ['a', { b: null }] };
    const job = await ended(await add(wish('ada', { metadata })));
    const id = notificationId(job.id);
    expect(job.result).toEqual({
      notificationId: id,
      userId: 'ada',
      links: { self: `/api/notifications/${id}` },
    });
    expect(await listOf('ada')).toEqual([
      expect.objectContaining({ ...wish('ada', { metadata }), id, jobId: job.id, readAt: null }),
    ]);
    expect(await listOf('ada', 'acme')).toEqual([]);
    expect(await app.get(Notifications).find(id, 'acme')).toBeUndefined();
    await expect(app.get(Notifications).mark(id, 'acme', true)).resolves.toBeUndefined();
    await expect(app.get(Notifications).remove(id, 'acme')).resolves.toBe(false);
  });

  it.each([
    ['/userId', 'longer than or equal to 1', { userId: '' }],
    ['/title', 'one line', { title: 'two\nlines' }],
    ['/title', '200', { title: 'x'.repeat(201) }],
    ['/body', '5000', { body: 'x'.repeat(5_001) }],
    ['/body', 'without NUL', { body: 'a\0b' }],
    ['/type', 'info, warning, error, success', { type: 'alarm' }],
    ['/metadata', 'must be an object', { metadata: [] }],
    ['/metadata', 'at most 4096 bytes', { metadata: { text: 'x'.repeat(4_096) } }],
    ['/metadata', '5 levels', { metadata: { a: { b: { c: { d: { e: {} } } } } } }],
    ['/metadata', 'whole Unicode characters', { metadata: { text: '\ud800' } }],
    ['/metadata', 'without NUL', { metadata: { 'a\0': 1 } }],
    ['/channels', 'email', { channels: ['fax'] }],
    ['/email', 'address', { channels: ['email'] }],
    ['/email', 'address', { email: 'nobody' }],
  ])('refuses what is wrong at %s before it is stored: %s', async (pointer, detail, wrong) => {
    await expect(add({ ...wish('bob'), ...wrong } as UserNotificationPayload)).rejects.toMatchObject({
      errors: expect.arrayContaining([
        expect.objectContaining({
          pointer: expect.stringMatching(new RegExp(`^${pointer}`)),
          detail: expect.stringContaining(detail),
        }),
      ]),
    });
  });

  it('sends one mail, however often the job starts', async () => {
    const email = 'carol@example.org';
    const id = await add(wish('carol', { channels: ['email'], email }));
    const job = await ended(id);
    await eventually(async () => expect(await mails(email)).toHaveLength(1));
    expect(await mails(email)).toEqual([
      {
        to: email,
        subject: 'Your export is ready',
        template: 'notification',
        variables: { title: 'Your export is ready', body: 'It has 2,000 rows.' },
      },
    ]);
    const { emailJobId } = job.result as { emailJobId: string };
    expect(await app.get(JobReader).read(emailJobId)).toMatchObject({ state: 'waiting' });
    await expect(startAgain(id)).resolves.toEqual(job.result);
    // Also where nothing is known of the first start any more.
    await app.get(Database).query.execute(sql`DELETE FROM effect_fences`);
    await expect(startAgain(id)).resolves.toEqual(job.result);
    const { rows } = await app.get(Database).query.execute(sql`SELECT 1 FROM outbox`);
    expect(rows).toEqual([]);
    expect(await mails(email)).toHaveLength(1);
    expect(await listOf('carol')).toHaveLength(1);
  });

  it('tries again what failed on the way, and keeps one', async () => {
    const { query } = app.get(Database);
    const email = 'dave@example.org';
    await query.execute(sql`ALTER TABLE outbox RENAME TO outbox_away`);
    const id = await add(wish('dave', { channels: ['email'], email }));
    await eventually(async () => expect((await app.get(JobReader).read(id))?.attemptsMade).toBe(1), 10_000);
    // The notification has not stayed without its mail.
    expect(await listOf('dave')).toEqual([]);
    await query.execute(sql`ALTER TABLE outbox_away RENAME TO outbox`);
    expect((await ended(id)).state).toBe('completed');
    expect(await listOf('dave')).toHaveLength(1);
    await eventually(async () => expect(await mails(email)).toHaveLength(1));
  });

  it('fails at once, without a notification, where a payload got in that cannot be used', async () => {
    const { id = '' } = await app
      .get(UserNotificationProducer)
      .addUserNotification(wish('erin'), { delayMs: DAY_MS });
    const { producer } = app.get(RedisConnections);
    await producer.hset(`${prefix}:user-notification:${id}`, 'data', '{"userId":"erin"}');
    await (await app.get<Queue>(getQueueToken('user-notification')).getJob(id))!.promote();
    const job = await ended(id);
    expect(job).toMatchObject({ state: 'failed', attemptsMade: 1 });
    expect(job.failedReason).toMatch(/title/);
    expect(await listOf('erin')).toEqual([]);
  });

  it('leaves nothing of a job that is cancelled while it waits for another of the same user', async () => {
    await ended(await add(wish('frank')));
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const holding = app.get(Database).transaction(async (transaction) => {
      await transaction.execute(sql`SELECT 1 FROM notification_inboxes WHERE user_id = 'frank' FOR UPDATE`);
      await held;
    });
    const email = 'frank@example.org';
    const id = await add(wish('frank', { channels: ['email'], email }));
    await eventually(async () => {
      const { rows } = await app.get(Database).query.execute(sql`
        SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`);
      expect(rows).toHaveLength(1);
    });
    await app.get(JobCancellation).cancel(id, { reason: 'enough', by: 'test' });
    await eventually(async () =>
      expect((await app.get(JobReader).read(id))?.state).toMatch(/cancelled|active/),
    );
    release();
    await holding;
    expect((await ended(id)).state).toBe('cancelled');
    expect(await listOf('frank')).toHaveLength(1);
    expect(await mails(email)).toEqual([]);
  });

  it('keeps the newest of each user', async () => {
    for (let turn = 1; turn <= KEPT + 2; turn += 1)
      await ended(await add(wish('grace', { title: `${turn}` })));
    expect((await listOf('grace')).map(({ title }) => title)).toEqual(['7', '6', '5', '4', '3']);
  });

  it('gives many at once versions in the order in which they can be seen', async () => {
    const ids = await Promise.all(Array.from({ length: KEPT }, () => add(wish('heidi'))));
    await Promise.all(ids.map(ended));
    const found = await listOf('heidi');
    expect(new Set(found.map(({ position }) => position)).size).toBe(KEPT);
    const changes = app.get(NotificationChanges);
    const inbox = { tenant: 'default', userId: 'heidi' };
    const { version, unread } = await changes.snapshot(inbox, 1);
    expect([version, unread]).toEqual([found[0]!.position, KEPT]);
    expect(await app.get(Notifications).markAllRead(inbox, found[2]!.position)).toBe(3);
    const changed = await changes.after(inbox, { version, position: Number.MAX_SAFE_INTEGER }, 10);
    expect(changed.map(({ id }) => id)).toEqual(
      found
        .slice(2)
        .map(({ id }) => id)
        .toReversed(),
    );
    expect(new Set(changed.map((one) => one.version)).size).toBe(1);
  });

  it('removes what is older than it is kept, and then the empty inbox', async () => {
    await ended(await add(wish('ivan')));
    const cleaner = app.get(NotificationCleaner);
    const versionOf = async () => {
      const { rows } = await app
        .get(Database)
        .query.execute<{ version: string }>(
          sql`SELECT version FROM notification_inboxes WHERE user_id = 'ivan'`,
        );
      return rows.map(({ version }) => Number(version));
    };
    const [before = 0] = await versionOf();
    await cleaner.sweep(Date.now() + 9 * DAY_MS);
    expect(await listOf('ivan')).toHaveLength(1);
    expect(await cleaner.sweep(Date.now() + 11 * DAY_MS)).toBeGreaterThan(0);
    expect(await listOf('ivan')).toEqual([]);
    expect(await versionOf()).toEqual([]);
    await ended(await add(wish('ivan')));
    expect((await versionOf())[0]).toBeGreaterThan(before);
  });
});
