import { DatabaseUnavailableError, isDatabaseAway } from '../database/database-unavailable.error';

const MAX_ENTRIES = 10_000;
const MAX_LOADS = 50;
// Together with the deadline they keep a revocation from taking longer than 30 s to reach every process.
const FRESH_MS = 10_000;
const USABLE_MS = 25_000;
const STALE_MS = 600_000;
const LOAD_DEADLINE_MS = 1_500;
const RETRY_AFTER_MS = 2_000;

interface Entry<V> {
  readonly value: V;
  readonly loadedAt: number;
}

/**
 * Rows of the database that are asked for with every request, kept for seconds; while the database is away they are
 * kept for ten minutes. What does not exist is not kept, so that a new row is known at once.
 */
export class RecentCopy<V> {
  private readonly entries = new Map<string, Entry<V>>();
  private readonly loads = new Map<string, Promise<V | undefined>>();
  private askAgainAt = 0;

  constructor(
    private readonly load: (id: string) => Promise<V | undefined>,
    private readonly now: () => number = Date.now,
  ) {}

  /** Throws DatabaseUnavailableError for what is not known here while the database is away. */
  get(id: string): V | undefined | Promise<V | undefined> {
    const entry = this.entries.get(id);
    const ageMs = entry === undefined ? Infinity : this.now() - entry.loadedAt;
    if (entry !== undefined && ageMs < USABLE_MS) {
      if (ageMs >= FRESH_MS) this.renew(id).catch(() => undefined);
      return entry.value;
    }
    return this.renew(id).catch((error: unknown) => {
      if (!isDatabaseAway(error)) throw error;
      if (entry !== undefined && ageMs < STALE_MS) return entry.value;
      throw error;
    });
  }

  /** Has the next reader ask the database. */
  forget(id: string): void {
    this.entries.delete(id);
    this.loads.delete(id);
  }

  private async renew(id: string): Promise<V | undefined> {
    const running = this.loads.get(id);
    if (running !== undefined) return running;
    if (this.now() < this.askAgainAt || this.loads.size >= MAX_LOADS) {
      throw new DatabaseUnavailableError('The database did not answer a moment ago, or has too much to do.');
    }
    const load = withDeadline(this.load(id)).then(
      (value) => {
        // Whoever was told to forget meanwhile must not be reminded.
        if (this.loads.get(id) === load) this.keep(id, value);
        return value;
      },
      (error: unknown) => {
        if (isDatabaseAway(error)) this.askAgainAt = this.now() + RETRY_AFTER_MS;
        throw error;
      },
    );
    this.loads.set(id, load);
    try {
      return await load;
    } finally {
      if (this.loads.get(id) === load) this.loads.delete(id);
    }
  }

  private keep(id: string, value: V | undefined): void {
    this.entries.delete(id);
    if (value === undefined) return;
    this.entries.set(id, { value, loadedAt: this.now() });
    const [oldest] = this.entries.keys();
    if (this.entries.size > MAX_ENTRIES && oldest !== undefined) this.entries.delete(oldest);
  }
}

/** A frozen database keeps its queries for longer than a caller waits. */
export async function withDeadline<T>(load: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(new DatabaseUnavailableError(`The database did not answer within ${LOAD_DEADLINE_MS} ms.`)),
      LOAD_DEADLINE_MS,
    );
    timer.unref();
  });
  try {
    return await Promise.race([load, late]);
  } finally {
    clearTimeout(timer);
  }
}
