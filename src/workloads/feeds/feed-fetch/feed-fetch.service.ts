import { Injectable } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import type { FeedEvent } from '../../../integrations/feeds/feed-event';
import type { FeedItem } from '../../../integrations/feeds/feed-item';
import { FeedReader } from '../../../integrations/feeds/feed-reader.service';
import type { FeedSource, OpenFeed } from '../../../integrations/feeds/feed-source';
import { FeedUnavailableError } from '../../../integrations/feeds/feed-unavailable.error';
import { isDatabaseAway } from '../../../platform/database/database-unavailable.error';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { EnqueueOutcomeUnknownError } from '../../../platform/queue/store-jobs';
import { QueueFullError, StorageUnsafeError } from '../../../platform/memory/admission-refusal.error';
import { JobReturnedError } from '../../../platform/queue/job-step';
import { isAway } from '../../../platform/redis/redis-unavailable.error';
import { FeedImportProducer } from '../feed-import/feed-import.producer';
import { ImportFetches, type FetchEnd, type FetchOrder } from '../import-fetch.store';
import {
  FetchSupersededError,
  ImportStaging,
  type FetchPlace,
  type ItemChunk,
  type PromisedItem,
  type Rejection,
} from '../import-staging.store';
import { SourceRunningError } from '../import-run.store';
import { SourceHeaders } from '../source-headers.service';
import { SourceLimits } from '../source-limits.service';
import type { FetchFeedPayload } from './feed-fetch.payload';

/** The job on whose behalf a feed is fetched. */
export interface FetchJob {
  readonly id: string;
  readonly isLastAttempt: boolean;
  /** Whether earlier starts of the job never came to an end. */
  readonly isStartedAgain: boolean;
  /** Says that this start has done what no earlier one had: its worker's death would not be the job's fault. */
  noteAdvance(): Promise<unknown>;
  report(progress: { readonly stage: string; readonly items: number }): Promise<void>;
}

export interface FetchResult {
  readonly status: 'fetched' | 'not_modified' | 'enqueued' | 'over';
  readonly items: number;
}

// One step of Redis takes 250 jobs; a chunk is one step of each store.
const CHUNK_ITEMS = 250;
const CHUNK_CHARACTERS = 2_000_000;
// A source that answers 429 for longer is asked too often, or not meant for us.
const MAX_POSTPONEMENTS = 20;
const LONGEST_WAIT_MS = 3_600_000;
// Redis may be full for a while: its own jobs have to be done first.
const RETRY_ADD_MS = 1_000;
const WAIT_FOR_DATABASE_MS = 5_000;

/** Reads a source and enqueues its items while they come. Can be begun anew at any point: what is staged stays. */
@Injectable()
export class FeedFetchService {
  constructor(
    private readonly reader: FeedReader,
    private readonly fetches: ImportFetches,
    private readonly staging: ImportStaging,
    private readonly items: FeedImportProducer,
    private readonly headers: SourceHeaders,
    private readonly limits: SourceLimits,
  ) {}

  async run(
    { importId, source }: FetchFeedPayload,
    job: FetchJob,
    signal: AbortSignal,
  ): Promise<FetchResult> {
    const order = await this.begin(importId, source, job);
    if (order === undefined) return { status: 'over', items: 0 };
    try {
      return await this.fetch(order, job, signal);
    } catch (error) {
      if (error instanceof FetchSupersededError) return { status: 'over', items: 0 };
      throw await this.failed(error, order.place, job, signal);
    }
  }

  private async begin(importId: string, source: string, { id }: FetchJob): Promise<FetchOrder | undefined> {
    try {
      return await this.fetches.begin(importId, source, id);
    } catch (error) {
      if (error instanceof SourceRunningError) throw new HopelessJobError(error.message);
      throw isDatabaseAway(error) ? databaseAway() : error;
    }
  }

  private async fetch(order: FetchOrder, job: FetchJob, signal: AbortSignal): Promise<FetchResult> {
    const { place, stored, isOrphan } = order;
    if (stored !== undefined) await this.limits.apply(stored);
    if (isOrphan) throw new HopelessJobError('The source was deleted.');
    // What an earlier attempt has staged, or the request itself.
    const before = await this.addStaged(place, signal);
    const source = this.sourceOf(order);
    if (source === undefined) {
      await this.fetches.end(place, {});
      return { status: 'enqueued', items: before };
    }
    const answer = await this.reader.open(source, signal);
    if (answer.kind === 'not_modified') {
      await this.fetches.end(place, { notModified: true });
      return { status: 'not_modified', items: 0 };
    }
    const taken = await this.take(place, answer, job, signal);
    await this.fetches.end(place, taken.end);
    return { status: 'fetched', items: taken.items };
  }

  private sourceOf({ row, stored }: FetchOrder): FeedSource | undefined {
    const { url, mapping, paging } = stored ?? row;
    if (url === null) return undefined;
    return {
      url,
      ...(mapping !== null && { mapping }),
      ...(paging !== null && { paging }),
      ...(stored !== undefined && {
        etag: stored.etag,
        lastModified: stored.lastModified,
        headers: this.headers.resolve(stored.headers ?? {}, row.tenant),
      }),
    };
  }

  private async take(
    place: FetchPlace,
    answer: OpenFeed,
    job: FetchJob,
    signal: AbortSignal,
  ): Promise<{ readonly items: number; readonly end: FetchEnd }> {
    const chunk = new Chunk();
    let offered = 0;
    let broken: string | undefined;
    let isPartial = false;
    let hasAdvanced = !job.isStartedAgain;
    // While a chunk is read the one before is staged, and the jobs of the one before that are added.
    const [staging, adding] = [new Turn(), new Turn()];
    const put = async (taken: ItemChunk, items: number) => {
      const staged = await this.staging.stage(place, taken);
      isPartial ||= staged.isPartial;
      await adding.next(() => this.add(staged.promised, place, signal));
      if (!hasAdvanced && staged.staged > 0) {
        await job.noteAdvance();
        hasAdvanced = true;
      }
      await job.report({ stage: 'fetch', items });
    };
    const flush = async () => {
      const taken = { ...chunk.take(), bytes: answer.bytes() };
      offered += taken.items.length;
      const items = offered;
      await staging.next(() => put(taken, items));
    };
    try {
      for await (const event of answer.events) {
        if (event.kind === 'feed') await this.fetches.describe(place, event.format, event.title);
        if (event.kind === 'broken') broken = `${event.reason}: ${event.detail}`;
        chunk.put(event);
        if (chunk.isFull) await flush();
      }
      if (!chunk.isEmpty) await flush();
      await staging.over();
      await adding.over();
    } finally {
      // Whatever happens: nothing of this fetch goes on behind it.
      await staging.over().catch(() => undefined);
      await adding.over().catch(() => undefined);
    }
    // A document that gave nothing at all has failed; with items before the break it has not.
    if (broken !== undefined && offered === 0) return { items: 0, end: { error: broken, broken } };
    const { etag, lastModified } = answer;
    return {
      items: offered,
      end: { etag, lastModified, isPartial, ...(broken !== undefined && { broken }) },
    };
  }

  private async addStaged(place: FetchPlace, signal: AbortSignal): Promise<number> {
    let added = 0;
    for (let afterKey = ''; ;) {
      const some = await this.staging.queued(place, CHUNK_ITEMS, afterKey);
      await this.add(some, place, signal);
      added += some.length;
      if (some.length < CHUNK_ITEMS) return added;
      afterKey = some.at(-1)!.key;
    }
  }

  /** Their rows stand, so that whatever happens here the jobs come later. */
  private async add(
    items: readonly PromisedItem[],
    { tenant }: FetchPlace,
    signal: AbortSignal,
  ): Promise<void> {
    if (items.length === 0) return;
    for (;;) {
      signal.throwIfAborted();
      try {
        return await this.items.addItems(items, tenant);
      } catch (error) {
        if (!isForNow(error)) throw error;
        await wait(RETRY_ADD_MS, undefined, { signal });
      }
    }
  }

  /** What the job ends with; the row says the same once there is no other attempt. */
  private async failed(
    error: unknown,
    place: FetchPlace,
    job: FetchJob,
    signal: AbortSignal,
  ): Promise<unknown> {
    if (signal.aborted) return error;
    if (isDatabaseAway(error)) return databaseAway();
    const message = (error as Error).message;
    if (error instanceof FeedUnavailableError) {
      const { isRetryable, retryAfterMs } = error;
      if (
        isRetryable &&
        retryAfterMs !== undefined &&
        (await this.fetches.postpone(place, MAX_POSTPONEMENTS))
      ) {
        return new JobReturnedError(message, Math.min(retryAfterMs, LONGEST_WAIT_MS));
      }
      if (!isRetryable) {
        await this.fetches.end(place, { error: `${error.code}: ${message}` });
        return new HopelessJobError(message);
      }
    }
    const isLast = job.isLastAttempt || error instanceof HopelessJobError;
    if (isLast) await this.fetches.end(place, { error: message });
    return error;
  }
}

/** Work of which each piece begins when the one before it is done. */
class Turn {
  private running: Promise<void> = Promise.resolve();

  /** Resolves as soon as the piece has begun; rejects as the one before it does. */
  async next(work: () => Promise<void>): Promise<void> {
    await this.running;
    this.running = work();
    // Whoever waits for it hears of it.
    this.running.catch(() => undefined);
  }

  over(): Promise<void> {
    return this.running;
  }
}

/** Items and rejections on their way into one step of the stores. */
class Chunk {
  private items: FeedItem[] = [];
  private rejections: Rejection[] = [];
  private characters = 0;

  get isEmpty(): boolean {
    return this.items.length + this.rejections.length === 0;
  }

  get isFull(): boolean {
    return this.items.length + this.rejections.length >= CHUNK_ITEMS || this.characters >= CHUNK_CHARACTERS;
  }

  put(event: FeedEvent): void {
    if (event.kind === 'item') {
      this.items.push(event.item);
      this.characters += sizeOf(event.item);
    }
    if (event.kind === 'rejected') {
      const { position, reason, detail } = event;
      this.rejections.push({ position, reason, detail });
    }
  }

  take(): { readonly items: FeedItem[]; readonly rejections: Rejection[] } {
    const { items, rejections } = this;
    this.items = [];
    this.rejections = [];
    this.characters = 0;
    return { items, rejections };
  }
}

/** The job goes back and loses no attempt. */
function databaseAway(): JobReturnedError {
  return new JobReturnedError('The database is away.', WAIT_FOR_DATABASE_MS);
}

/** Whether the same jobs may be taken later; the time limit of the job ends the waiting. */
function isForNow(error: unknown): boolean {
  return (
    isAway(error) ||
    error instanceof QueueFullError ||
    error instanceof StorageUnsafeError ||
    error instanceof EnqueueOutcomeUnknownError
  );
}

function sizeOf({ title, summary, content }: FeedItem): number {
  return (title?.length ?? 0) + (summary?.value.length ?? 0) + (content?.value.length ?? 0);
}
