/** What a stretch of BullMQ's event stream says about jobs that have not finished. */
export interface LiveChanges {
  /** Jobs to look at: they were added, or have moved, and did not finish within the stretch. */
  readonly touched: readonly string[];
  /** Jobs that somebody removed before they had finished. */
  readonly removed: readonly string[];
}

export type StreamEntry = readonly [id: string, fields: readonly string[]];

const moves = new Set(['added', 'waiting', 'active', 'delayed', 'waiting-children', 'stalled']);
const ends = new Set(['completed', 'failed']);

/** Folds events into one word per job: what was added, started and completed within the stretch is not looked at. */
export function liveChanges(entries: readonly StreamEntry[]): LiveChanges {
  const last = new Map<string, 'touched' | 'removed'>();
  for (const [, fields] of entries) {
    const id = field(fields, 'jobId');
    const event = field(fields, 'event');
    if (id === undefined || event === undefined) continue;
    if (moves.has(event)) last.set(id, 'touched');
    else if (ends.has(event)) last.delete(id);
    // Finished jobs are removed by retention, and the ledger has them.
    else if (event === 'removed' && !ends.has(field(fields, 'prev') ?? '')) last.set(id, 'removed');
  }
  const named = (kind: string) => [...last].filter(([, one]) => one === kind).map(([id]) => id);
  return { touched: named('touched'), removed: named('removed') };
}

/** Whether one id of a stream comes after another. */
export function isAfter(id: string, other: string): boolean {
  const [ms = 0, sequence = 0] = id.split('-').map(Number);
  const [otherMs = 0, otherSequence = 0] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && sequence > otherSequence);
}

function field(fields: readonly string[], name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
  return undefined;
}
