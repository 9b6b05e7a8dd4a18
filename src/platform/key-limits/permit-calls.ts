import type { Cluster, Redis } from 'ioredis';
import type { QueueDefinition } from '../queue/define-queue';
import { hintChannel, type KeyLimit } from './key-limit';
import { ADMIT } from './admit-script';
import { DISPENSE } from './dispense-script';

type Argument = string | number;
type Client = Redis | Cluster;

/** A queue as the scripts of permits know it. */
export class LimitedQueue {
  private readonly first: readonly Argument[];
  private readonly key: string;

  constructor(
    private readonly client: Client,
    prefix: string,
    { name }: Pick<QueueDefinition, 'name'>,
    { rate, concurrency }: KeyLimit,
  ) {
    const base = `${prefix}:${name}:`;
    this.key = `${base}keys:ring`;
    this.first = [
      base,
      name,
      hintChannel(prefix),
      rate?.max ?? '',
      rate?.durationMs ?? '',
      concurrency ?? '',
    ];
  }

  /** What a script has to know of the queue beside its keys: name, channel of hints, limits. */
  get scriptArguments(): readonly Argument[] {
    return this.first.slice(1);
  }

  /** Rejects with the error of Redis. */
  run(script: string, ...args: readonly Argument[]): Promise<unknown> {
    return this.client.eval(script, 1, this.key, ...this.first, ...args);
  }

  /** The same for what is called all the time. */
  dispense(args: readonly Argument[]): Promise<unknown> {
    return this.named('holdfastDispense', DISPENSE, args);
  }

  admit(args: readonly Argument[]): Promise<unknown> {
    return this.named('holdfastAdmit', ADMIT, args);
  }

  private named(name: string, lua: string, args: readonly Argument[]): Promise<unknown> {
    const client = this.client as unknown as Record<string, (...args: Argument[]) => Promise<unknown>>;
    if (client[name] === undefined) this.client.defineCommand(name, { lua, numberOfKeys: 1 });
    return client[name]!(this.key, ...this.first, ...args);
  }
}
