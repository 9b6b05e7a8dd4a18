import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { WorkerRunner } from './worker-runner.service';

/** Runs jobs in the roles that do; in an api process it can start a queue's worker on demand. */
@Global()
@Module({ imports: [DiscoveryModule], providers: [WorkerRunner], exports: [WorkerRunner] })
export class WorkerModule {}
