import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { ValidationStoresModule } from '../validation-stores.module';
import { CsvValidationProcessor } from './csv-validation.processor';
import { CsvValidationProducer } from './csv-validation.producer';
import { csvValidationQueue } from './csv-validation.queue';
import { CsvValidationService } from './csv-validation.service';
import { PassRunner } from './pass-runner';

@Module({
  imports: [QueueModule.forQueue(csvValidationQueue), ValidationStoresModule],
  providers: [CsvValidationProducer, CsvValidationProcessor, CsvValidationService, PassRunner],
  exports: [CsvValidationProducer],
})
export class CsvValidationModule {}
