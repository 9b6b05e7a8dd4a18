import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { JobReader } from '../../platform/queue/job-reader.service';
import type { JobSnapshot } from '../../platform/queue/job-snapshot';
import { isDone } from './job-body';

// Each waiting caller costs one cheap read per pause; beyond this many a caller is told to ask later.
const MAX_WAITING = 200;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 250;

/** Waits for jobs to finish on behalf of callers that prefer to; without a connection per caller. */
@Injectable()
export class JobWaiter implements BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private waiting = 0;

  constructor(private readonly reader: JobReader) {
    setMaxListeners(MAX_WAITING, this.stopping.signal);
  }

  /**
   * Resolves with the finished job, or undefined when the time is up, the caller is gone, too many wait,
   * Redis went away or the server stops: in each case the job itself goes on.
   */
  async untilDone(id: string, timeoutMs: number, isGone: () => boolean): Promise<JobSnapshot | undefined> {
    if (this.waiting >= MAX_WAITING) return undefined;
    this.waiting += 1;
    try {
      return await this.poll(id, Date.now() + timeoutMs, isGone);
    } catch {
      return undefined;
    } finally {
      this.waiting -= 1;
    }
  }

  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }

  private async poll(id: string, deadline: number, isGone: () => boolean): Promise<JobSnapshot | undefined> {
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const job = await this.reader.read(id);
      if (job === undefined || isDone(job)) return job;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0 || isGone()) return undefined;
      await pause(Math.min(pauseMs, leftMs), undefined, { signal: this.stopping.signal });
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}
