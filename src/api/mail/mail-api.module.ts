import { Module } from '@nestjs/common';
import { TasksModule } from '../../workloads/tasks/tasks.module';
import { MailTemplatesController } from './mail-templates.controller';
import { OutboxPagesController } from './outbox-pages.controller';
import { OutboxController } from './outbox.controller';
import { SuppressionsController } from './suppressions.controller';

@Module({
  imports: [TasksModule],
  controllers: [MailTemplatesController, OutboxController, OutboxPagesController, SuppressionsController],
})
export class MailApiModule {}
