import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { DatabaseChecks } from './database-checks.service';
import { EventLoopWatch } from './event-loop-watch.service';
import { HealthController } from './health.controller';
import { ProcessChecks } from './process-checks.service';
import { QueueHealthController } from './queue-health.controller';
import { RedisChecks } from './redis-checks.service';
import { RedisFitness } from './redis-fitness.service';

/** The probes; the only routes of a worker process. */
@Module({
  // A probe that fails every few seconds is no news: what is wrong logs itself, once.
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController, QueueHealthController],
  providers: [RedisChecks, RedisFitness, DatabaseChecks, ProcessChecks, EventLoopWatch],
})
export class HealthModule {}
