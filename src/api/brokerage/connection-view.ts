import { Big } from 'big.js';
import { timePlaceIn } from '../../platform/http/cursor';
import type { ActivityPosition, StoredActivity } from '../../workloads/brokerage/activity.store';
import type { SyncSchedule } from '../../workloads/brokerage/brokerage.tables';
import type { BrokerConnection, RowPosition } from '../../workloads/brokerage/connection.store';
import { isRowId } from '../../workloads/brokerage/row-id';
import type { SyncRun } from '../../workloads/brokerage/sync-run.store';
import type { ConnectionDto, ScheduleDto } from './connection.dto';
import type { ActivityDto, ReconciliationDto, SyncRunDto } from './sync-run.dto';

export const CONNECTIONS_PATH = '/api/brokerage/connections';

const DEFAULT_JITTER_SECONDS = 60;

/** Everything about a connection but its credentials. */
export function connectionView(connection: BrokerConnection): ConnectionDto {
  const { id, userId, name, adapter, settings, schedule, pauseReason, createdBy, cursor } = connection;
  const self = `${CONNECTIONS_PATH}/${id}`;
  return {
    id,
    userId,
    name,
    adapter,
    settings,
    schedule,
    paused: connection.isPaused,
    pauseReason,
    nextRunAt: connection.nextRunAt?.toISOString() ?? null,
    newestActivityAt: cursor?.newest ?? null,
    createdBy,
    createdAt: connection.createdAt.toISOString(),
    updatedAt: connection.updatedAt.toISOString(),
    links: {
      self,
      sync: `${self}/sync`,
      runs: `${self}/runs`,
      activities: `${self}/activities`,
      reconciliation: `${self}/reconciliation`,
    },
  };
}

/** Changes with what people may change, not with what syncs write. */
export function connectionTag({ version }: Pick<BrokerConnection, 'version'>): string {
  return `"${version}"`;
}

/** A schedule with everything that was left out. */
export function scheduleOf(dto: ScheduleDto | undefined): SyncSchedule {
  const { kind = 'manual', everyMinutes = 60, expression = '', timeZone = 'UTC' } = dto ?? {};
  const jitterSeconds = dto?.jitterSeconds ?? DEFAULT_JITTER_SECONDS;
  if (kind === 'interval') return { kind, everyMinutes, jitterSeconds };
  if (kind === 'cron') return { kind, expression, timeZone, jitterSeconds };
  return { kind: 'manual' };
}

export function syncRunView(run: SyncRun): SyncRunDto {
  const { id, connectionId, trigger, status, jobId, pages, received, inserted, updated, throttled } = run;
  const connection = `${CONNECTIONS_PATH}/${connectionId}`;
  return {
    id,
    connectionId,
    trigger,
    status,
    jobId,
    pages,
    received,
    inserted,
    updated,
    throttled,
    clockAheadMs: run.clockAheadMs,
    positions: run.reconciliation?.status ?? null,
    errorMessage: run.errorMessage,
    createdAt: run.createdAt.toISOString(),
    finishedAt: run.finishedAt?.toISOString() ?? null,
    links: { self: `${connection}/runs/${id}`, connection, job: `/api/queue/jobs/${jobId}` },
  };
}

export function reconciliationView({ id, reconciliation }: SyncRun): ReconciliationDto {
  const { status, checkedAt, symbols, differenceCount, differences } = reconciliation!;
  return { runId: id, status, checkedAt, symbols, differenceCount, differences: [...differences] };
}

export function activityView(activity: StoredActivity): ActivityDto {
  const { externalId, kind, type, symbol, side, quantity, price, cash, fee, currency } = activity;
  return {
    externalId,
    kind,
    type,
    symbol,
    side,
    quantity: shortened(quantity),
    price: shortened(price),
    cash: shortened(cash),
    fee: shortened(fee),
    currency,
    occurredAt: activity.occurredAt.toISOString(),
  };
}

/** Throws `cursor_invalid`. */
export function rowPositionIn(cursor: string): RowPosition {
  const { at, id } = timePlaceIn(cursor, isRowId);
  return { createdAt: at, id };
}

/** Throws `cursor_invalid`. */
export function activityPositionIn(cursor: string, source: string): ActivityPosition {
  const { at, id } = timePlaceIn(cursor, (text) => !text.includes('\0'));
  return { occurredAt: at, source, externalId: id };
}

/** PostgreSQL writes all places that the column has. */
function shortened(amount: string | null): string | null {
  return amount === null ? null : Big(amount).toFixed();
}
