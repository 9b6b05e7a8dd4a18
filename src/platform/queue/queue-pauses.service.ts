import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Settings } from '../../config/settings';
import { Leader } from '../leader/leader.service';
import { platformKey } from '../redis/key-space';
import { RedisConnections } from '../redis/redis-connections.service';
import { QueueRegistry, type RegisteredQueue } from './queue-registry.service';

/** Why a queue is paused, by whom, and in epoch milliseconds since and until when. */
export interface QueuePause {
  readonly by: string;
  readonly since: number;
  readonly reason?: string;
  readonly until?: number;
}

// 1: forgotten; 0: there was none any more; 2: somebody has written another one meanwhile, which stays.
const FORGET = `
local note = redis.call('HGET', KEYS[1], ARGV[1])
if not note then return 0 end
if note ~= ARGV[2] then return 2 end
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
`;

const CHECK_INTERVAL_MS = 1_000;
// A pause is noted before it takes effect; a note of a queue that runs is older than this only when it was forgotten.
const NOTE_GRACE_MS = 10_000;

/**
 * Pauses queues and resumes them, and remembers who did it, why, and until when.
 * A queue that is paused takes jobs and starts none; those under way finish.
 */
@Injectable()
export class QueuePauses implements OnApplicationBootstrap {
  private readonly logger = new Logger('Queues');

  constructor(
    private readonly registry: QueueRegistry,
    private readonly connections: RedisConnections,
    private readonly leader: Leader,
    private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.leader.every('pauses', CHECK_INTERVAL_MS, () => this.resumeWhatIsDue());
  }

  /** A queue that is paused already gets the new reason and the new end. Rejects with the error of Redis. */
  async pause(entry: RegisteredQueue, pause: Omit<QueuePause, 'since'>, now = Date.now()): Promise<void> {
    this.connections.assertReady();
    const { name } = entry.definition;
    const before = (await entry.queue.isPaused()) ? (await this.read([name])).get(name) : undefined;
    await this.connections.producer.hset(
      this.key,
      name,
      JSON.stringify({ ...pause, since: before?.since ?? now } satisfies QueuePause),
    );
    await entry.queue.pause();
  }

  /** Nothing happens to a queue that runs. Rejects with the error of Redis. */
  async resume({ queue, definition }: RegisteredQueue): Promise<void> {
    this.connections.assertReady();
    await queue.resume();
    await this.connections.producer.hdel(this.key, definition.name);
  }

  /** What is noted of those queues; a note says nothing of a queue that runs. */
  async read(names: readonly string[]): Promise<ReadonlyMap<string, QueuePause>> {
    if (names.length === 0) return new Map();
    const notes = await this.connections.producer.hmget(this.key, ...names);
    return new Map(
      names.flatMap((name, at) => {
        const note = pauseIn(notes[at]);
        return note === undefined ? [] : [[name, note] as const];
      }),
    );
  }

  /** Resumes the queues whose time has come, and forgets the notes of those that somebody else has resumed. */
  async resumeWhatIsDue(now = Date.now()): Promise<void> {
    const notes = Object.entries(await this.connections.producer.hgetall(this.key));
    const known = notes.flatMap(([name, text]) => {
      const entry = this.registry.get(name);
      return entry === undefined ? [] : [this.settle(entry, text, now)];
    });
    // A queue that cannot be resumed, such as one whose keys hold something else, keeps no other paused.
    const failed = (await Promise.allSettled(known)).flatMap((end) =>
      end.status === 'rejected' ? [end.reason as unknown] : [],
    );
    if (failed.length > 0) throw failed[0];
  }

  private async settle({ queue, definition: { name } }: RegisteredQueue, text: string, now: number) {
    const note = pauseIn(text);
    if (note?.until !== undefined && note.until <= now) {
      await queue.resume();
      // A pause that came in between must not end with the one before.
      if ((await this.forget(name, text)) === 2) await queue.pause();
      else this.logger.log({ msg: `Queue "${name}" goes on: its pause is over`, queue: name });
    } else if ((note === undefined || note.since + NOTE_GRACE_MS < now) && !(await queue.isPaused())) {
      await this.forget(name, text);
    }
  }

  private forget(name: string, text: string): Promise<unknown> {
    return this.connections.producer.eval(FORGET, 1, this.key, name, text);
  }

  private get key(): string {
    return platformKey(this.settings, 'pauses');
  }
}

function pauseIn(text: string | null | undefined): QueuePause | undefined {
  try {
    return (JSON.parse(text ?? 'null') as QueuePause | null) ?? undefined;
  } catch {
    return undefined;
  }
}
