import { Global, Module } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { HttpClient } from './http-client.service';

@Global()
@Module({
  providers: [
    {
      provide: HttpClient,
      useFactory: (settings: Settings) =>
        new HttpClient({ allowAddresses: settings.outboundAddresses, allowPorts: settings.outboundPorts }),
      inject: [Settings],
    },
  ],
  exports: [HttpClient],
})
export class HttpClientModule {}
