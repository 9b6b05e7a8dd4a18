import { Module } from '@nestjs/common';
import { WorkerPresence } from '../../platform/worker/worker-presence.service';
import { TasksModule } from '../../workloads/tasks/tasks.module';
import { QueueTestStatus } from './queue-test-status.service';
import { QueueTestController } from './queue-test.controller';
import { QueueTestService } from './queue-test.service';

@Module({
  imports: [TasksModule],
  controllers: [QueueTestController],
  providers: [QueueTestService, QueueTestStatus, WorkerPresence],
})
export class QueueTestApiModule {}
