import { Module } from '@nestjs/common';
import { join } from 'node:path';
import type { MigrationFolder } from '../../platform/database/migrations';
import { CacheWarmModule } from './cache-warm/cache-warm.module';
import { CleanupModule } from './cleanup/cleanup.module';
import { DataExportModule } from './data-export/data-export.module';
import { DefaultModule } from './default/default.module';
import { EmailModule } from './email/email.module';
import { FileProcessModule } from './file-process/file-process.module';
import { MailStoresModule } from './mail-stores.module';
import { NotificationStoresModule } from './notification-stores.module';
import { UserNotificationModule } from './user-notification/user-notification.module';
import { WebPushModule } from './web-push/web-push.module';

export const tasksMigrations: MigrationFolder = { name: 'tasks', folder: join(__dirname, 'migrations') };

const queues = [
  CacheWarmModule,
  CleanupModule,
  DataExportModule,
  DefaultModule,
  EmailModule,
  FileProcessModule,
  UserNotificationModule,
  WebPushModule,
];
const stores = [MailStoresModule, NotificationStoresModule];

/** General work that belongs to no document's domain: one entry per queue. */
@Module({ imports: [...queues, ...stores], exports: [...queues, ...stores] })
export class TasksModule {}
