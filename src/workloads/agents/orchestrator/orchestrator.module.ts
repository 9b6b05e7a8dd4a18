import { Module } from '@nestjs/common';
import { Airports } from '../../../integrations/airports/airport';
import { AirportsModule } from '../../../integrations/airports/airports.module';
import { CharterLanguageModule } from '../../../integrations/charter-language/charter-language.module';
import { LanguageModelModule } from '../../../integrations/language-model/language-model.module';
import { LanguageModel } from '../../../integrations/language-model/language-model.service';
import { QueueModule } from '../../../platform/queue/queue.module';
import { CharterStoresModule } from '../charter-stores.module';
import { OrchestratorService } from './orchestrator.service';
import { OrchestratorProcessor } from './orchestrator.processor';
import { OrchestratorProducer } from './orchestrator.producer';
import { orchestratorQueue } from './orchestrator.queue';

/** A model reads the requests where the settings name one; the airports of the search are the places it knows. */
const language = CharterLanguageModule.forRoot({
  imports: [AirportsModule, LanguageModelModule],
  directory: Airports,
  model: LanguageModel,
});

@Module({
  imports: [QueueModule.forQueue(orchestratorQueue), CharterStoresModule, language],
  providers: [OrchestratorProducer, OrchestratorProcessor, OrchestratorService],
  exports: [OrchestratorProducer],
})
export class OrchestratorModule {}
