import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { ErrorStoresModule } from '../error-stores.module';
import { AlertWebhook } from './alert-webhook.service';
import { DeathIntake } from './death-intake.service';
import { ErrorMonitorProcessor } from './error-monitor.processor';
import { ErrorMonitorProducer } from './error-monitor.producer';
import { errorMonitorQueue } from './error-monitor.queue';
import { ErrorMonitorService } from './error-monitor.service';

@Module({
  imports: [QueueModule.forQueue(errorMonitorQueue), ErrorStoresModule],
  providers: [ErrorMonitorProducer, ErrorMonitorProcessor, ErrorMonitorService, AlertWebhook, DeathIntake],
  exports: [ErrorMonitorProducer],
})
export class ErrorMonitorModule {}
