import { Module } from '@nestjs/common';
import { RetentionSweeper } from './retention-sweeper.service';

@Module({ providers: [RetentionSweeper], exports: [RetentionSweeper] })
export class RetentionModule {}
