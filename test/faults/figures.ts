import { liveStates, type CountedJob } from './census';
import type { Journal } from './journal';

/** What became of the orders of one run, counted after it; further figures belong to the one fault. */
export interface Figures {
  readonly accepted: number;
  readonly completed: number;
  /** Jobs that stand where people look for the dead. */
  readonly dead: number;
  /** Jobs that still wait, run or are delayed. */
  readonly pending: number;
  readonly removed: number;
  /** Gone from Redis after its effect: retention has taken it. */
  readonly expired: number;
  /** Accepted, and in none of these places; or completed without its effect, or failed without a dead letter. */
  readonly lost: number;
  /** Jobs that no caller was told of, and none may have to wonder about. */
  readonly ghosts: number;
  readonly duplicateEffects: number;
  readonly [extra: string]: number;
}

export interface Evidence {
  readonly journal: Journal;
  readonly jobs: readonly CountedJob[];
  readonly deadIds: ReadonlySet<string>;
  /** How often each key's effect has happened. */
  readonly effects: ReadonlyMap<string, number>;
}

type Fate = 'completed' | 'dead' | 'pending' | 'removed' | 'expired' | 'lost';

/** Confronts what the caller was told with what Redis, the dead letters and the sink say. */
export function figuresOf({ journal, jobs, deadIds, effects }: Evidence): Figures {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const fates: Record<Fate, number> = { completed: 0, dead: 0, pending: 0, removed: 0, expired: 0, lost: 0 };
  for (const { id, key, isRemoved } of journal.accepted()) {
    fates[isRemoved ? 'removed' : fateOf(byId.get(id), key, deadIds.has(id), effects)] += 1;
  }
  const counts = [...effects.values()];
  return {
    accepted: journal.accepted().length,
    ...fates,
    ghosts: ghostsAmong(jobs, journal),
    duplicateEffects: counts.reduce((sum, count) => sum + count - 1, 0),
  };
}

function fateOf(
  job: CountedJob | undefined,
  key: string,
  isDead: boolean,
  effects: ReadonlyMap<string, number>,
): Fate {
  if (isDead) return 'dead';
  if (job === undefined) return effects.has(key) ? 'expired' : 'lost';
  if (job.state === 'completed') return effects.has(key) ? 'completed' : 'lost';
  return liveStates.some((state) => state === job.state) ? 'pending' : 'lost';
}

/** A job is explained by the id that a caller got, or by one order whose outcome was unknown. */
function ghostsAmong(jobs: readonly CountedJob[], journal: Journal): number {
  const ids = new Set(journal.accepted().map(({ id }) => id));
  const unknown = new Set(journal.unknownKeys());
  return jobs.filter(({ id, key }) => !ids.has(id) && !(key !== undefined && unknown.delete(key))).length;
}

/** The line that each fault prints. */
export function figuresLine(fault: string, subject: string, figures: Figures): string {
  const { accepted, completed, dead, lost, duplicateEffects, ...others } = figures;
  const main = { accepted, completed, dead, lost, duplicate_effects: duplicateEffects, ...others };
  const text = Object.entries(main).map(([name, value]) => `${name}=${Math.round(value * 10) / 10}`);
  return `${fault}${subject === 'holdfast' ? '' : ` (${subject})`} ${text.join(' ')}\n`;
}
