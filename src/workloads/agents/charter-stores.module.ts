import { Module } from '@nestjs/common';
import { CharterFailures } from './charter-failures.service';
import { CharterRequests } from './charter-requests.store';
import { Clients } from './clients.store';
import { Proposals } from './proposals.store';

@Module({
  providers: [CharterFailures, CharterRequests, Clients, Proposals],
  exports: [CharterRequests, Clients, Proposals],
})
export class CharterStoresModule {}
