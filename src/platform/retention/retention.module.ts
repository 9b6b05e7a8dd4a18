import { Module } from '@nestjs/common';
import { FinishedRemoval } from './finished-removal.service';
import { RetentionSweeper } from './retention-sweeper.service';

@Module({ providers: [RetentionSweeper, FinishedRemoval], exports: [RetentionSweeper] })
export class RetentionModule {}
