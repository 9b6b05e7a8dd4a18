import { Injectable } from '@nestjs/common';
import { FIRST_POSITION, type SetPosition } from '../queue/job-sets.service';
import { LedgerStore, type LedgerCursor } from './ledger.store';

// Longer than a lease lasts: whoever had it in between has moved them.
const FRESH_MS = 2_000;

/** How far the ledger has read, as this process knows it. */
@Injectable()
export class LedgerCursors {
  private positions = new Map<string, string>();
  private readAt = 0;

  constructor(private readonly store: LedgerStore) {}

  /** Asks the database unless this process moved the cursors just now. Rejects with the error of PostgreSQL. */
  async refresh(now = Date.now()): Promise<void> {
    if (now - this.readAt > FRESH_MS) this.positions = await this.store.cursors();
    this.readAt = Date.now();
  }

  get(source: string): string | undefined {
    return this.positions.get(source);
  }

  set({ source, position }: LedgerCursor): void {
    this.positions.set(source, position);
  }

  /** Whether the newest member of a set may lie after the position; a set without members has nothing to read. */
  isBehind(source: string, newest: SetPosition | undefined): boolean {
    if (newest === undefined) return false;
    const { score, id } = this.position(source);
    const isBefore = Number(newest.score) < Number(score);
    return !isBefore && (newest.score !== score || newest.id !== id);
  }

  position(source: string): SetPosition {
    const stored = this.positions.get(source);
    const [, score, id] = /^(\S+) (.*)$/s.exec(stored ?? '') ?? [];
    return score === undefined || id === undefined ? FIRST_POSITION : { score, id };
  }
}

export function cursorAt(source: string, { score, id }: SetPosition): LedgerCursor {
  return { source, position: `${score} ${id}` };
}
