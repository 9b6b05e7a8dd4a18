import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { ExportSource } from '../../platform/exports/export-source';
import { notifications } from './notifications.tables';

/** What the users of a tenant were told. */
@Injectable()
export class NotificationsExportSource extends ExportSource {
  readonly name = 'notifications';
  readonly description = 'The notifications of users, and when they were read.';
  readonly rows = sql`${notifications}`;
  readonly tenant = sql`${notifications.tenant}`;
  readonly order = sql`${notifications.createdAt}, ${notifications.id}`;

  readonly columns = {
    id: { type: 'text', value: sql`${notifications.id}` },
    userId: { type: 'text', value: sql`${notifications.userId}` },
    type: { type: 'text', value: sql`${notifications.type}` },
    title: { type: 'text', value: sql`${notifications.title}` },
    body: { type: 'text', value: sql`${notifications.body}` },
    metadata: { type: 'text', value: sql`${notifications.metadata}::text` },
    read: { type: 'boolean', value: sql`(${notifications.readAt} IS NOT NULL)` },
    readAt: { type: 'time', value: sql`${notifications.readAt}` },
    createdAt: { type: 'time', value: sql`${notifications.createdAt}` },
    jobId: { type: 'text', value: sql`${notifications.jobId}` },
  } as const;

  readonly filters: ExportSource['filters'] = {
    userId: { type: 'text', where: (value) => sql`${notifications.userId} = ${value}` },
    type: { type: 'text', where: (value) => sql`${notifications.type} = ${value}` },
    read: { type: 'boolean', where: (value) => sql`(${notifications.readAt} IS NOT NULL) = ${value}` },
    createdFrom: { type: 'time', where: (value) => sql`${notifications.createdAt} >= ${value}` },
    createdBefore: { type: 'time', where: (value) => sql`${notifications.createdAt} < ${value}` },
  };
}
