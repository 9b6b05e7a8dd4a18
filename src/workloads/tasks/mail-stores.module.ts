import { Module } from '@nestjs/common';
import { MailOutbox } from './mail-outbox.store';
import { MailSuppressions } from './mail-suppressions.store';

@Module({ providers: [MailOutbox, MailSuppressions], exports: [MailOutbox, MailSuppressions] })
export class MailStoresModule {}
