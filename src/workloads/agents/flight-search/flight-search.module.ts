import { Module } from '@nestjs/common';
import { QueueModule } from '../../../platform/queue/queue.module';
import { CharterStoresModule } from '../charter-stores.module';
import { FleetStoresModule } from '../fleet-stores.module';
import { CharterSearch } from './charter-search.service';
import { FlightSearchProcessor } from './flight-search.processor';
import { FlightSearchProducer } from './flight-search.producer';
import { flightSearchQueue } from './flight-search.queue';
import { FlightSearch } from './flight-search.service';

@Module({
  imports: [QueueModule.forQueue(flightSearchQueue), CharterStoresModule, FleetStoresModule],
  providers: [FlightSearchProducer, FlightSearchProcessor, CharterSearch, FlightSearch],
  exports: [FlightSearchProducer],
})
export class FlightSearchModule {}
