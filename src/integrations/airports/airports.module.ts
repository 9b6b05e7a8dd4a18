import { Module } from '@nestjs/common';
import { Airports } from './airport';
import { EmbeddedAirports } from './embedded-airports';

@Module({ providers: [{ provide: Airports, useClass: EmbeddedAirports }], exports: [Airports] })
export class AirportsModule {}
