import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { PermitReconciler } from '../key-limits/permit-reconciler.service';
import { LeaderModule } from '../leader/leader.module';
import { CancelWatch } from './cancel-watch.service';
import { JobCancellation } from './job-cancellation.service';
import { Quarantine } from './quarantine.service';
import { WorkerRunner } from './worker-runner.service';

/** Runs jobs in the roles that do; in an api process it can start a queue's worker on demand, and cancels jobs anywhere. */
@Global()
@Module({
  imports: [DiscoveryModule, LeaderModule],
  providers: [WorkerRunner, CancelWatch, JobCancellation, Quarantine, PermitReconciler],
  exports: [WorkerRunner, JobCancellation, Quarantine],
})
export class WorkerModule {}
