import type { TestingModule } from '@nestjs/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthStoresModule, authMigrations } from '../../../src/platform/auth/auth-stores.module';
import { DatabaseModule } from '../../../src/platform/database/database.module';
import { EffectsModule, effectsMigrations } from '../../../src/platform/effects/effects.module';
import { FilesModule, fileMigrations } from '../../../src/platform/files/files.module';
import { HttpClientModule } from '../../../src/platform/http-client/http-client.module';
import { LeaderModule } from '../../../src/platform/leader/leader.module';
import { LimitsModule } from '../../../src/platform/limits/limits.module';
import { OutboxModule, outboxMigrations } from '../../../src/platform/outbox/outbox.module';
import { JobReader } from '../../../src/platform/queue/job-reader.service';
import type { JobSnapshot } from '../../../src/platform/queue/job-snapshot';
import { SecretsModule } from '../../../src/platform/secrets/secrets.module';
import { StorageModule } from '../../../src/platform/storage/storage.module';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { PushSubscriptions } from '../../../src/workloads/tasks/push-subscriptions.store';
import { tasksMigrations } from '../../../src/workloads/tasks/tasks.module';
import type { UserNotificationPayload } from '../../../src/workloads/tasks/user-notification/user-notification.payload';
import { UserNotificationModule } from '../../../src/workloads/tasks/user-notification/user-notification.module';
import { UserNotificationProducer } from '../../../src/workloads/tasks/user-notification/user-notification.producer';
import { WebPushModule } from '../../../src/workloads/tasks/web-push/web-push.module';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';
import { PushService, vapidSettings } from '../../support/push-service';
import { randomPrefix, removeKeys, startQueueApp } from '../../support/queue-app';

export const MINUTE_MS = 60_000;

/** The queues `user-notification` and `web-push` with their worker, and a push service on loopback. */
export class PushScene {
  private constructor(
    readonly prefix: string,
    readonly app: TestingModule,
    readonly service: PushService,
    readonly database: TestDatabase,
    private readonly home: string,
  ) {}

  static async start(): Promise<PushScene> {
    const database = await createTestDatabase();
    const service = await PushService.open();
    const home = await mkdtemp(join(tmpdir(), 'holdfast-push-'));
    const folders = [authMigrations, effectsMigrations, outboxMigrations, fileMigrations, tasksMigrations];
    const platform = [LeaderModule, LimitsModule, AuthStoresModule, EffectsModule, OutboxModule];
    const stores = [StorageModule, FilesModule, SecretsModule, HttpClientModule];
    const modules = [...platform, ...stores, UserNotificationModule, WebPushModule];
    const prefix = randomPrefix();
    const app = await startQueueApp([DatabaseModule.forRoot(folders), ...modules], {
      ...service.settings,
      REDIS_PREFIX: prefix,
      DATABASE_URL: database.url,
      HOLDFAST_HOME: home,
      WORKER_QUEUES: 'user-notification,web-push',
    });
    app.get(WorkerRunner).startChosen();
    return new PushScene(prefix, app, service, database, home);
  }

  async close(): Promise<void> {
    this.service.letGo();
    await removeKeys(this.app, this.prefix);
    await this.app.close();
    await this.service.close();
    await this.database.drop();
    await rm(this.home, { recursive: true, force: true });
  }

  /** The browser of that name is the user's; resolves with the id of its subscription. */
  async subscribe(
    userId: string,
    browser: string,
    {
      tenant = 'default',
      expiresAt = null,
      vapidKey = vapidSettings.VAPID_PUBLIC_KEY,
      endpoint,
    }: {
      readonly tenant?: string;
      readonly expiresAt?: Date | null;
      readonly vapidKey?: string;
      readonly endpoint?: string;
    } = {},
  ): Promise<string> {
    const said = this.service.subscribe(browser);
    const { subscription } = await this.app.get(PushSubscriptions).put({
      ...said,
      ...(endpoint !== undefined && { endpoint }),
      tenant,
      userId,
      vapidKey,
      expiresAt,
      createdBy: 'test',
    });
    return subscription.id;
  }

  async listOf(userId: string, tenant = 'default'): Promise<string[]> {
    const found = await this.app.get(PushSubscriptions).list({ tenant, userId, limit: 100 });
    return found.map(({ id }) => id);
  }

  /** Resolves with the job of the notification once that has ended, and those of its pushes. */
  async notify(
    userId: string,
    more: Partial<UserNotificationPayload> = {},
    tenant = 'default',
  ): Promise<{ id: string; result: { notificationId: string; pushJobIds: string[] } }> {
    const payload = { userId, title: 'Your export is ready', body: 'It has 2,000 rows.', ...more };
    const { id = '' } = await this.app
      .get(UserNotificationProducer)
      .addUserNotification({ channels: ['push'], ...payload }, { tenant });
    const job = await this.ended(id);
    expect([job.state, job.failedReason ?? '']).toEqual(['completed', '']);
    return { id, result: job.result as { notificationId: string; pushJobIds: string[] } };
  }

  async job(id: string): Promise<JobSnapshot> {
    return (await this.app.get(JobReader).read(id))!;
  }

  async ended(id: string): Promise<JobSnapshot> {
    await eventually(
      async () => expect(['completed', 'failed']).toContain((await this.app.get(JobReader).read(id))?.state),
      MINUTE_MS,
    );
    return this.job(id);
  }
}
