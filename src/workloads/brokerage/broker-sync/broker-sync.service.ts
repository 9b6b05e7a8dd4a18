import { Injectable, Logger } from '@nestjs/common';
import {
  BrokerRefusedError,
  BrokerThrottledError,
  type ActivityPage,
  type BrokerAccount,
  type BrokerAdapter,
} from '../../../integrations/broker/broker-adapter';
import { hideInContext } from '../../../platform/logging/correlation';
import { formsOf } from '../../../platform/logging/redact';
import { JobDeathError } from '../../../platform/queue/death-cause';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { JobReturnedError } from '../../../platform/queue/job-step';
import { SecretUnreadableError } from '../../../platform/secrets/secret-box';
import { BrokerAdapters } from '../broker-adapters.service';
import type { Reconciliation, SyncCursor } from '../brokerage.tables';
import { ConnectionCredentials } from '../connection-credentials.service';
import { ConnectionStore } from '../connection.store';
import { SyncRunStore, type SyncClaim, type SyncRun } from '../sync-run.store';
import { advanced, beginning } from './sync-cursor';
import { PositionCheck } from './position-check.service';

/** The job on whose behalf a connection is synchronised. */
export interface SyncJob {
  readonly id: string;
  readonly tenant: string;
  report(progress: object): Promise<void>;
}

export interface SyncResult {
  /** `joined`: another job was at work on the connection, and this one had nothing to do. */
  readonly outcome: 'synchronised' | 'joined';
  readonly runId: string;
  readonly pages: number;
  readonly received: number;
  readonly inserted: number;
  readonly updated: number;
  readonly unreadable: number;
  readonly positions?: Reconciliation['status'];
  readonly differences?: number;
}

// Others wait for the worker: what is not done by then goes on in a further turn.
const TURN_MS = 600_000;
// A page that leads to another for ever; the largest accounts have some thousand.
const MAX_PAGES_PER_TURN = 20_000;
const MAX_THROTTLED = 200;
const MAX_WAIT_MS = 3_600_000;
const GO_ON_MS = 1_000;
const REPORT_INTERVAL_MS = 1_000;

/** Brings one connection up to date: page by page, each with its cursor in one transaction. */
@Injectable()
export class BrokerSyncService {
  private readonly logger = new Logger('broker-sync');

  constructor(
    private readonly adapters: BrokerAdapters,
    private readonly connections: ConnectionStore,
    private readonly credentials: ConnectionCredentials,
    private readonly runs: SyncRunStore,
    private readonly positions: PositionCheck,
  ) {}

  async sync(connectionId: string, job: SyncJob, signal: AbortSignal): Promise<SyncResult> {
    const claim = await this.runs.claim(connectionId, job.tenant, job.id);
    if (claim === undefined) throw new HopelessJobError(`There is no connection ${connectionId}.`);
    if ('busy' in claim) return { ...resultOf(claim.busy, 0), outcome: 'joined' };
    const turn = new SyncTurn();
    try {
      const { adapter, account } = this.reach(claim);
      await this.fetch(claim, adapter, account, turn, job, signal);
      await job.report({ stage: 'positions', ...turn.counts() });
      const reconciliation = await this.positions.check(claim.connection, adapter, account, signal);
      const run = await this.runs.complete(claim, reconciliation);
      if (reconciliation.status === 'differs') {
        const { differenceCount } = reconciliation;
        this.logger.warn({ msg: 'Positions differ from those of the broker', connectionId, differenceCount });
      }
      return resultOf(run, turn.unreadable);
    } catch (error) {
      throw await this.judge(error, claim, turn, signal);
    }
  }

  private reach({ connection }: SyncClaim): { adapter: BrokerAdapter; account: BrokerAccount } {
    const adapter = this.adapters.find(connection.adapter);
    if (adapter === undefined) {
      throw new HopelessJobError(`This release has no adapter "${connection.adapter}".`);
    }
    const credentials = this.credentials.open(connection);
    // From here on no line and no error of this job can say them.
    hideInContext(Object.values(credentials).flatMap(formsOf));
    const { tenant, settings } = connection;
    return { adapter, account: { tenant, settings, credentials } };
  }

  private async fetch(
    claim: SyncClaim,
    adapter: BrokerAdapter,
    account: BrokerAccount,
    turn: SyncTurn,
    job: SyncJob,
    signal: AbortSignal,
  ): Promise<void> {
    let cursor: SyncCursor = claim.connection.cursor ?? { newest: null };
    const from = beginning(cursor);
    for await (const page of adapter.pages(account, from, signal)) {
      cursor = advanced(cursor, from, page);
      await this.store(claim, page, cursor, turn);
      if (turn.isToBeTold()) await job.report({ stage: 'activities', ...turn.counts() });
      signal.throwIfAborted();
      if (page.nextPageToken !== undefined && turn.isOver()) {
        throw new JobReturnedError('There is more to fetch: the sync goes on in a further turn.', GO_ON_MS);
      }
    }
  }

  private async store(
    claim: SyncClaim,
    page: ActivityPage,
    cursor: SyncCursor,
    turn: SyncTurn,
  ): Promise<void> {
    const { activities, clock } = page;
    const stored = await this.runs.storePage(claim, {
      activities,
      cursor,
      ...(clock !== undefined && { clockAheadMs: clock - Date.now() }),
    });
    turn.add(page, stored);
  }

  /** What a failure means for the job; what it means for its run, when the job has died of it, is told by the worker. */
  private async judge(
    error: unknown,
    claim: SyncClaim,
    turn: SyncTurn,
    signal: AbortSignal,
  ): Promise<unknown> {
    if (signal.aborted || error instanceof JobReturnedError) return error;
    if (error instanceof SecretUnreadableError) return new JobDeathError('secret_unreadable', error.message);
    if (error instanceof BrokerRefusedError) {
      if (error.isAboutCredentials) await this.connections.pauseBecause(claim.connection.id, error.message);
      return new HopelessJobError(error.message);
    }
    if (error instanceof BrokerThrottledError) {
      if ((await this.runs.noteThrottled(claim)) >= MAX_THROTTLED) return error;
      return new JobReturnedError(error.message, Math.min(Math.max(error.waitMs, GO_ON_MS), MAX_WAIT_MS));
    }
    // Whoever came further than before has not failed: of a long sync each page has all attempts.
    if (turn.pages > 0 && isPassing(error)) {
      return new JobReturnedError(`${(error as Error).message} The sync goes on where it was.`, GO_ON_MS);
    }
    return error;
  }
}

/** What one start of a job has done. */
class SyncTurn {
  pages = 0;
  unreadable = 0;
  private received = 0;
  private inserted = 0;
  private updated = 0;
  private readonly startedAt = performance.now();
  private toldAt = performance.now();

  add({ activities, unreadable }: ActivityPage, stored: { inserted: number; updated: number }): void {
    this.pages += 1;
    this.unreadable += unreadable;
    this.received += activities.length;
    this.inserted += stored.inserted;
    this.updated += stored.updated;
  }

  isOver(): boolean {
    return performance.now() - this.startedAt > TURN_MS || this.pages >= MAX_PAGES_PER_TURN;
  }

  isToBeTold(): boolean {
    if (performance.now() - this.toldAt < REPORT_INTERVAL_MS) return false;
    this.toldAt = performance.now();
    return true;
  }

  counts() {
    const { pages, received, inserted, updated } = this;
    return { pages, received, inserted, updated };
  }
}

function isPassing(error: unknown): boolean {
  return (error as { isRetryable?: unknown }).isRetryable === true;
}

function resultOf(run: SyncRun, unreadable: number): SyncResult {
  const { id, pages, received, inserted, updated, reconciliation } = run;
  return {
    outcome: 'synchronised',
    runId: id,
    pages,
    received,
    inserted,
    updated,
    unreadable,
    ...(reconciliation !== null && {
      positions: reconciliation.status,
      differences: reconciliation.differenceCount,
    }),
  };
}
