import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { cancelWishOf } from '../queue/attempt-log.service';
import { CANCEL_FIELD } from '../queue/attempt-record';
import type { QueueDefinition } from '../queue/define-queue';
import type { JobConsumer } from '../queue/job-consumer';
import { JobCancelledError } from '../queue/job-interruption';
import { queuePrefix } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import { cancelChannel } from './job-cancellation.service';

type Consumer = JobConsumer<QueueDefinition>;

const LOOK_EVERY_MS = 1_000;

/** Fires the signals of jobs of this process that somebody, anywhere, wants cancelled. */
@Injectable()
export class CancelWatch implements OnApplicationShutdown {
  private readonly logger = new Logger('Worker');
  private readonly consumers = new Set<Consumer>();
  private timer?: NodeJS.Timeout;
  private isLooking = false;

  constructor(
    private readonly connections: RedisConnections,
    private readonly settings: Settings,
  ) {}

  /** From now on jobs of this consumer can be cancelled. */
  add(consumer: Consumer): void {
    this.consumers.add(consumer);
    if (this.timer !== undefined) return;
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    this.timer.unref();
    this.subscribe();
  }

  // Jobs can be cancelled for as long as they are waited for.
  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** One round trip for all jobs of this process, none while it has none. */
  async look(): Promise<void> {
    const jobs = [...this.consumers].flatMap((consumer) =>
      consumer.activeIds().map((id) => ({ consumer, id })),
    );
    if (jobs.length === 0 || this.isLooking || !this.connections.isReady()) return;
    this.isLooking = true;
    try {
      const marks = await Promise.all(jobs.map(({ consumer, id }) => this.markOf(consumer, id)));
      jobs.forEach(({ consumer, id }, at) => {
        const wish = cancelWishOf(marks[at]);
        if (wish !== undefined) consumer.interrupt(id, new JobCancelledError(wish));
      });
    } catch {
      // RedisConnections tells of an outage; the next look is a second away.
    } finally {
      this.isLooking = false;
    }
  }

  private markOf({ definition: { name, domain } }: Consumer, id: string): Promise<string | null> {
    return this.connections.producer.hget(
      `${queuePrefix(this.settings, domain)}:${name}:${id}`,
      CANCEL_FIELD,
    );
  }

  /** For speed alone: without it a job is told at the next look. */
  private subscribe(): void {
    const { subscriber } = this.connections;
    subscriber.on('message', (_channel: string, id: string) => {
      if ([...this.consumers].some((consumer) => consumer.activeIds().includes(id))) void this.look();
    });
    subscriber.subscribe(cancelChannel(this.settings)).catch((error: Error) => {
      this.logger.warn(`Cancelled jobs are told with a delay of a second: ${error.message.slice(0, 300)}`);
    });
  }
}
