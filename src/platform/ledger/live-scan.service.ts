import { Injectable } from '@nestjs/common';
import type { RegisteredQueue } from '../queue/queue-registry.service';
import { LedgerRecorder } from './ledger-recorder.service';
import { FIRST_POSITION, JobSets, type SetPosition } from '../queue/job-sets.service';

const PAGE_SIZE = 500;
// While events come faster than they are read, a pass begins anew at most this often.
const REST_MS = 10_000;

interface Pass {
  readonly place: number;
  readonly offset: number;
  readonly after: SetPosition;
}

// Lists are read from the end at which jobs are added: what comes in meanwhile moves the others on, and hides none.
const places = [
  { kind: 'list', name: 'active' },
  { kind: 'list', name: 'wait' },
  { kind: 'list', name: 'paused' },
  { kind: 'set', name: 'prioritized' },
  { kind: 'set', name: 'delayed' },
  { kind: 'set', name: 'waiting-children' },
] as const;

/** Looks at all jobs of a queue that have not finished, page by page. */
@Injectable()
export class LiveScan {
  private readonly passes = new Map<string, Pass>();
  private readonly wanted = new Set<string>();
  private readonly endedAt = new Map<string, number>();

  constructor(
    private readonly sets: JobSets,
    private readonly recorder: LedgerRecorder,
  ) {}

  /** From now on the queue's jobs are looked at once more. */
  want({ definition }: RegisteredQueue): void {
    this.wanted.add(definition.name);
  }

  /** Looks at the next page; false when there is nothing to look at now. */
  async advance(entry: RegisteredQueue, now = Date.now()): Promise<boolean> {
    const queue = entry.definition.name;
    const pass = this.passes.get(queue) ?? this.begin(queue, now);
    if (pass === undefined) return false;
    const next = await this.look(entry, pass);
    if (next === undefined) {
      this.passes.delete(queue);
      this.endedAt.set(queue, now);
    } else this.passes.set(queue, next);
    return next !== undefined;
  }

  private begin(queue: string, now: number): Pass | undefined {
    if (!this.wanted.has(queue) || now - (this.endedAt.get(queue) ?? 0) < REST_MS) return undefined;
    // Whoever wants one from here on wants another: this one may be past his jobs already.
    this.wanted.delete(queue);
    return { place: 0, offset: 0, after: FIRST_POSITION };
  }

  private async look(entry: RegisteredQueue, pass: Pass): Promise<Pass | undefined> {
    const place = places[pass.place];
    if (place === undefined) return undefined;
    const nextPlace: Pass = { place: pass.place + 1, offset: 0, after: FIRST_POSITION };
    if (place.kind === 'list') {
      const ids = await this.sets.list(entry, place.name, pass.offset, PAGE_SIZE);
      await this.record(entry, ids);
      return ids.length < PAGE_SIZE ? nextPlace : { ...pass, offset: pass.offset + PAGE_SIZE };
    }
    const page = await this.sets.page(entry, place.name, pass.after, PAGE_SIZE);
    await this.record(
      entry,
      page.map(({ id }) => id),
    );
    const last = page.at(-1);
    return last === undefined || page.length < PAGE_SIZE ? nextPlace : { ...pass, after: last };
  }

  private async record(entry: RegisteredQueue, ids: readonly string[]): Promise<void> {
    const read = await this.sets.read(entry, ids);
    await this.recorder.record(
      entry,
      read.filter(({ job }) => job.finishedAt === undefined),
    );
  }
}
