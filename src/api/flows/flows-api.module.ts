import { Module } from '@nestjs/common';
import { EventStreamsModule } from '../../platform/http/event-streams.module';
import { FlowEvents } from './flow-events.service';
import { FlowSampler } from './flow-sampler.service';
import { FlowsApi } from './flows-api.service';
import { FlowsController } from './flows.controller';

@Module({
  imports: [EventStreamsModule],
  controllers: [FlowsController],
  providers: [FlowsApi, FlowEvents, FlowSampler],
})
export class FlowsApiModule {}
