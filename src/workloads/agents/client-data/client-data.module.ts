import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { CharterStoresModule } from '../charter-stores.module';
import { ClientDataService } from './client-data.service';
import { ClientDataProcessor } from './client-data.processor';
import { ClientDataProducer } from './client-data.producer';
import { clientDataQueue } from './client-data.queue';

@Module({
  imports: [QueueModule.forQueue(clientDataQueue), CharterStoresModule],
  providers: [ClientDataProducer, ClientDataProcessor, ClientDataService],
  exports: [ClientDataProducer],
})
export class ClientDataModule {}
