import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { DataExportProcessor } from './data-export.processor';
import { DataExportProducer } from './data-export.producer';
import { dataExportQueue } from './data-export.queue';
import { DataExportService } from './data-export.service';

@Module({
  imports: [QueueModule.forQueue(dataExportQueue)],
  providers: [DataExportProducer, DataExportProcessor, DataExportService],
  exports: [DataExportProducer],
})
export class DataExportModule {}
