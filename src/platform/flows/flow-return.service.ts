import { Injectable } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.service';
import type { RegisteredQueue } from '../queue/queue-registry.service';
import { REJOIN_FLOW } from './rejoin-flow-script';

/** What the flow of a dead job does once that runs again. */
export type Rejoined =
  | { readonly kind: 'rejoined'; readonly revived: readonly string[] }
  /** A job that waits for this one is just being failed. */
  | { readonly kind: 'busy'; readonly job: string };

/** Lets flows go on whose dead jobs are sent back. */
@Injectable()
export class FlowReturn {
  constructor(private readonly connections: RedisConnections) {}

  /** Call it before a failed job is retried; a second time changes nothing. Rejects with the error of Redis. */
  async rejoin({ queue, definition }: RegisteredQueue, jobId: string): Promise<Rejoined> {
    this.connections.assertReady();
    const key = `${queue.opts.prefix}:${definition.name}:${jobId}`;
    const reply = (await this.connections.producer.eval(REJOIN_FLOW, 1, key, Date.now())) as string[];
    const [first, second] = reply;
    return first === 'busy' ? { kind: 'busy', job: second ?? '' } : { kind: 'rejoined', revived: reply };
  }

  /** The dead jobs that a job has died of, at most 10; undefined where Redis does not have the job any more. */
  async deadChildren(
    { queue, definition }: RegisteredQueue,
    jobId: string,
  ): Promise<readonly string[] | undefined> {
    this.connections.assertReady();
    const key = `${queue.opts.prefix}:${definition.name}:${jobId}`;
    const { producer } = this.connections;
    if ((await producer.exists(key)) === 0) return undefined;
    const children = await producer.zrange(`${key}:unsuccessful`, '0', '9');
    return children.map((child) => child.slice(child.lastIndexOf(':') + 1));
  }
}
