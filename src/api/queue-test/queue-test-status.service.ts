import { Injectable } from '@nestjs/common';
import { QueueCounter } from '../../platform/queue/queue-counts.service';
import { QueueRegistry, type RegisteredQueue } from '../../platform/queue/queue-registry.service';
import { RedisConnections } from '../../platform/redis/redis-connections.service';
import { RedisInspector } from '../../platform/redis/redis-inspector.service';
import { TEST_JOB_NAME } from '../../workloads/tasks/default/default.payload';
import type { QueueTestCountsDto, QueueTestRedisDto } from './queue-test.dto';

/** How Redis and the queue of the test job are doing, asked anew each time. */
@Injectable()
export class QueueTestStatus {
  constructor(
    private readonly connections: RedisConnections,
    private readonly registry: QueueRegistry,
    private readonly counter: QueueCounter,
    private readonly inspector: RedisInspector,
  ) {}

  /** The queue that declares the test job. */
  get entry(): RegisteredQueue {
    const entry = this.registry.type(TEST_JOB_NAME);
    if (entry === undefined) throw new Error(`No queue declares "${TEST_JOB_NAME}": import TasksModule.`);
    return entry;
  }

  async counts(): Promise<QueueTestCountsDto> {
    this.connections.assertReady();
    const { waiting, active, completed, failed, delayed } = await this.counter.count(this.entry);
    return { name: this.entry.definition.name, waiting, active, completed, failed, delayed };
  }

  async redis(): Promise<QueueTestRedisDto> {
    const [test, info] = await Promise.all([
      this.inspector.testRedisConnection(),
      this.inspector.getRedisInfo(),
    ]);
    return { ...info, latencyMs: test.success ? test.latencyMs : null };
  }
}
