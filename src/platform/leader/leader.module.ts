import { Global, Module } from '@nestjs/common';
import { Leader } from './leader.service';

@Global()
@Module({ providers: [Leader], exports: [Leader] })
export class LeaderModule {}
