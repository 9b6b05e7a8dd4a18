import { Module } from '@nestjs/common';
import { AirportsModule } from '../../integrations/airports/airports.module';
import { AircraftAvailability } from './aircraft-availability';
import { FleetBookings } from './fleet-bookings.store';
import { FleetStore } from './fleet.store';
import { HomeBases } from './home-bases';

@Module({
  imports: [AirportsModule],
  providers: [
    FleetStore,
    FleetBookings,
    HomeBases,
    { provide: AircraftAvailability, useExisting: FleetBookings },
  ],
  exports: [FleetStore, FleetBookings, HomeBases, AircraftAvailability, AirportsModule],
})
export class FleetStoresModule {}
