import { Module } from '@nestjs/common';
import { Airports } from '../../integrations/airports/airport';
import { AirportsModule } from '../../integrations/airports/airports.module';
import { CharterExtractor } from '../../integrations/charter-language/charter-extractor';
import { EmbeddedCharterExtractor } from '../../integrations/charter-language/embedded-charter-extractor';

/** What reads charter requests; the airports of the search are its directory of places. */
@Module({
  imports: [AirportsModule],
  providers: [
    {
      provide: CharterExtractor,
      inject: [Airports],
      useFactory: (airports: Airports) => new EmbeddedCharterExtractor(airports),
    },
  ],
  exports: [CharterExtractor],
})
export class CharterLanguageModule {}
