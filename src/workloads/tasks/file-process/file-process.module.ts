import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { FileProcessProcessor } from './file-process.processor';
import { FileProcessProducer } from './file-process.producer';
import { fileProcessQueue } from './file-process.queue';
import { FileProcessService } from './file-process.service';

@Module({
  imports: [QueueModule.forQueue(fileProcessQueue)],
  providers: [FileProcessProducer, FileProcessProcessor, FileProcessService],
  exports: [FileProcessProducer],
})
export class FileProcessModule {}
