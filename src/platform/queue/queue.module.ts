import { BullModule, getQueueToken } from '@nestjs/bullmq';
import { Module, type DynamicModule } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { Settings } from '../../config/settings';
import { defaultLimit } from '../key-limits/key-limit';
import { KeyDispensers } from '../key-limits/key-dispensers.service';
import { KeyLimitStore } from '../key-limits/key-limit-store.service';
import { tellKeyLimit } from '../key-limits/queue-limits';
import { queuePrefix } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import { AttemptLog } from './attempt-log.service';
import type { QueueDefinition } from './define-queue';
import { JobDispatcher } from './job-dispatcher.service';
import { JobEdits } from './job-edits.service';
import { JobReader } from './job-reader.service';
import { JobSets } from './job-sets.service';
import { KnownJobs } from './known-jobs.service';
import { JobRemovals } from './job-removals.service';
import { NamedQueues } from './named-queues.service';
import { QueueCounter } from './queue-counts.service';
import { QueueEnds } from './queue-ends.service';
import { QueueKeyTypes } from './queue-key-types.service';
import { QueueOverrides } from './queue-overrides.service';
import { QueuePauses } from './queue-pauses.service';
import { QueueRegistry } from './queue-registry.service';
import { QueueStatsCacheSource } from './queue-stats-cache.source';
import { WorkerCensus } from './worker-census.service';

const offered = [
  QueueRegistry,
  JobDispatcher,
  JobEdits,
  JobReader,
  KnownJobs,
  QueueKeyTypes,
  JobRemovals,
  AttemptLog,
  JobSets,
  QueueEnds,
  NamedQueues,
  QueueCounter,
  WorkerCensus,
  QueuePauses,
  KeyLimitStore,
  KeyDispensers,
];

@Module({})
export class QueueModule {
  /** What every queue stands on; once per process. */
  static forRoot(): DynamicModule {
    return {
      module: QueueModule,
      global: true,
      imports: [
        // an api process declares queues without running their workers
        BullModule.forRoot({ connection: {}, extraOptions: { manualRegistration: true } }),
      ],
      providers: [...offered, QueueOverrides, QueueStatsCacheSource],
      exports: offered,
    };
  }

  /** Declares one queue: its producer's connection, and its entry in the registry. */
  static forQueue(definition: QueueDefinition): DynamicModule {
    const { name, domain } = definition;
    return {
      module: QueueModule,
      imports: [
        BullModule.registerQueueAsync({
          name,
          inject: [RedisConnections, Settings],
          useFactory: (connections: RedisConnections, settings: Settings) => ({
            connection: connections.producer,
            prefix: queuePrefix(settings, domain),
            // Both are needed for an add to fail fast when Redis was away at the first connect, and to work later.
            skipWaitingForReady: true,
            skipVersionCheck: true,
            streams: { events: { maxLen: 1_000 } },
          }),
        }),
      ],
      providers: [
        {
          provide: `registration:${name}`,
          inject: [QueueRegistry, getQueueToken(name), Settings],
          useFactory: (registry: QueueRegistry, queue: Queue, settings: Settings) => {
            // RedisConnections logs what goes wrong with the connection, once for all queues.
            queue.on('error', () => undefined);
            const { keyLimits } = definition;
            if (keyLimits !== undefined) tellKeyLimit(queue, defaultLimit(keyLimits, settings));
            return registry.register({ definition, queue });
          },
        },
      ],
      exports: [BullModule],
    };
  }
}
