import { Global, Module } from '@nestjs/common';
import { CallerLimits } from './caller-limits.service';
import { RateWindows } from './rate-windows.service';

@Global()
@Module({ providers: [RateWindows, CallerLimits], exports: [CallerLimits, RateWindows] })
export class LimitsModule {}
