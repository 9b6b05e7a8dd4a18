import { Module } from '@nestjs/common';
import { AirportsModule } from '../../integrations/airports/airports.module';
import { AircraftAvailability } from './aircraft-availability';
import { FleetBookings } from './fleet-bookings.store';
import { FleetStore } from './fleet.store';

@Module({
  imports: [AirportsModule],
  providers: [FleetStore, FleetBookings, { provide: AircraftAvailability, useExisting: FleetBookings }],
  exports: [FleetStore, FleetBookings, AircraftAvailability, AirportsModule],
})
export class FleetStoresModule {}
