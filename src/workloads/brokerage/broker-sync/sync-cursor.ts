import type { ActivityPage, ActivityPosition } from '../../../integrations/broker/broker-adapter';
import type { SyncCursor } from '../brokerage.tables';

// Dividends, fees and corrections are booked days after the moment they bear; what was there already changes nothing.
export const OVERLAP_MS = 3 * 86_400_000;

/** Where a sync begins: where the last one was cut off, or some days before the newest activity known. */
export function beginning({ open, newest }: SyncCursor): ActivityPosition {
  if (open !== undefined) return open;
  return { after: newest === null ? null : new Date(Date.parse(newest) - OVERLAP_MS).toISOString() };
}

/** The cursor once a page that began at `from` is stored. */
export function advanced(
  { newest }: SyncCursor,
  { after }: ActivityPosition,
  { activities, nextPageToken, clock }: ActivityPage,
): SyncCursor {
  // Of the broker's clock, or of ours where it tells none: an activity that bears a moment of next year must not make us
  // pass over everything until then.
  const now = clock ?? Date.now();
  const latest = activities.reduce((most, { occurredAt }) => Math.max(most, occurredAt.getTime()), -Infinity);
  const known = newest === null ? -Infinity : Date.parse(newest);
  const reached = Math.max(known, Math.min(latest, now));
  return {
    newest: Number.isFinite(reached) ? new Date(reached).toISOString() : null,
    ...(nextPageToken !== undefined && { open: { after, pageToken: nextPageToken } }),
  };
}
