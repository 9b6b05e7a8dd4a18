import { Module } from '@nestjs/common';
import { AgentsModule } from '../../workloads/agents/agents.module';
import { BookingsController } from './bookings.controller';
import { FleetController } from './fleet.controller';
import { Fleet } from './fleet.service';

@Module({ imports: [AgentsModule], controllers: [FleetController, BookingsController], providers: [Fleet] })
export class FleetApiModule {}
