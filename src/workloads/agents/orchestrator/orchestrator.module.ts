import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { CharterLanguageModule } from '../charter-language.module';
import { CharterStoresModule } from '../charter-stores.module';
import { OrchestratorService } from './orchestrator.service';
import { OrchestratorProcessor } from './orchestrator.processor';
import { OrchestratorProducer } from './orchestrator.producer';
import { orchestratorQueue } from './orchestrator.queue';

@Module({
  imports: [QueueModule.forQueue(orchestratorQueue), CharterStoresModule, CharterLanguageModule],
  providers: [OrchestratorProducer, OrchestratorProcessor, OrchestratorService],
  exports: [OrchestratorProducer],
})
export class OrchestratorModule {}
