import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { problem } from '../problems/problem-catalogue';
import { withIdSeed } from '../queue/id-seed';
import { BodyPrints } from './body-prints.service';
import {
  IdempotencyRecords,
  type IdempotencyLease,
  type IdempotencyRecord,
  type StoredAnswer,
} from './idempotency-records.service';

/** One request under an idempotency key. */
export interface IdempotentRequest {
  /** Stands for principal, method, path and key. */
  readonly record: string;
  /** Stands for the body; undefined while a streamed one has not been read. */
  readonly fingerprint?: string;
  /** Does the work, and says what the body was when that was not known before. */
  readonly work: () => Promise<{ readonly answer: StoredAnswer; readonly fingerprint: string }>;
  /** Reads a streamed body without doing anything with it. */
  readonly read?: () => Promise<string>;
}

export interface IdempotentAnswer {
  readonly answer: StoredAnswer;
  readonly isReplayed: boolean;
}

const MAX_WAIT_MS = 2_000;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 250;
const ERROR_LOG_INTERVAL_MS = 10_000;

/**
 * Answers each repeat of a request with the answer of the first. Repeats that come while the first is worked wait
 * up to 2 seconds for it. Only successes are kept: after an error the key is free again.
 */
@Injectable()
export class Idempotency {
  private readonly logger = new Logger('Idempotency');
  /** What this process works on, so that its own repeats need not ask Redis. */
  private readonly working = new Map<string, Promise<unknown>>();
  private readonly looks = new Map<string, Promise<IdempotencyRecord | undefined>>();
  private lastErrorLoggedAt = 0;

  constructor(
    private readonly records: IdempotencyRecords,
    private readonly prints: BodyPrints,
  ) {}

  /** Throws `idempotency_in_flight`, `idempotency_conflict`, the error of the work, or that of Redis. */
  async answer(request: IdempotentRequest): Promise<IdempotentAnswer> {
    const deadline = Date.now() + MAX_WAIT_MS;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const found = await this.find(request);
      if ('token' in found) return { answer: await this.workUnder(found, request), isReplayed: false };
      await this.refuseOtherBody(request, found);
      if (found.state === 'answered') return { answer: found.answer, isReplayed: true };
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw problem('idempotency_in_flight');
      await Promise.race([
        this.working.get(request.record) ?? pause(Math.min(pauseMs, leftMs)),
        pause(leftMs, undefined, { ref: false }),
      ]);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  private async find(request: IdempotentRequest): Promise<IdempotencyLease | IdempotencyRecord> {
    const { record, fingerprint = '' } = request;
    // A look is shared by all that wait here for the same key; only when nobody has it, they ask to take it.
    const known = this.working.has(record) || this.looks.has(record) ? await this.look(record) : undefined;
    return known ?? this.records.claim(record, await this.prints.of(fingerprint));
  }

  private look(record: string): Promise<IdempotencyRecord | undefined> {
    const shared =
      this.looks.get(record) ?? this.records.look(record).finally(() => this.looks.delete(record));
    this.looks.set(record, shared);
    return shared;
  }

  private async workUnder(
    lease: IdempotencyLease,
    { record, work }: IdempotentRequest,
  ): Promise<StoredAnswer> {
    const renewal = setInterval(() => void this.quietly(this.records.renew(lease)), this.records.renewalMs);
    renewal.unref();
    const done = this.finish(lease, withIdSeed(record, work));
    const settled = done.catch(() => undefined);
    this.working.set(record, settled);
    try {
      return await done;
    } finally {
      clearInterval(renewal);
      if (this.working.get(record) === settled) this.working.delete(record);
    }
  }

  private async finish(
    lease: IdempotencyLease,
    work: ReturnType<IdempotentRequest['work']>,
  ): Promise<StoredAnswer> {
    try {
      const { answer, fingerprint } = await work;
      // The work is done whether or not its answer can be kept; by their ids its jobs bear being sent again.
      const print = await this.prints.of(fingerprint);
      await this.quietly(this.records.complete(lease, print, answer));
      return answer;
    } catch (error) {
      await this.quietly(this.records.release(lease));
      throw error;
    }
  }

  private async refuseOtherBody(request: IdempotentRequest, found: IdempotencyRecord): Promise<void> {
    if (found.fingerprint === '') return;
    // A streamed body is read only once there is something to compare it with.
    const own = request.fingerprint ?? (found.state === 'answered' ? await request.read?.() : undefined);
    if (own === undefined) return;
    if (await this.prints.isOther(found.fingerprint, own)) throw problem('idempotency_conflict');
  }

  private async quietly(step: Promise<void>): Promise<void> {
    try {
      await step;
    } catch (error) {
      const now = Date.now();
      if (now - this.lastErrorLoggedAt < ERROR_LOG_INTERVAL_MS) return;
      this.lastErrorLoggedAt = now;
      this.logger.warn(`An idempotency record could not be kept: ${String(error).slice(0, 300)}`);
    }
  }
}
