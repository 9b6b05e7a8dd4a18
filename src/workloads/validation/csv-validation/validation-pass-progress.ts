import type { ValidationPassProgress } from './validation-pass-contract';

// The bands of document 002; the passes themselves overlap: rows are parsed, checked and stored in one go.
const bands = { store: 50, rules: 75, results: 90 };
const intervalMs = 250;

/** How far a pass has come, told in the bands of document 002. */
export class PassProgress {
  private toldAt = 0;

  constructor(
    private readonly counts: () => Pick<ValidationPassProgress, 'rowsRead' | 'findings'>,
    private readonly tell: (progress: ValidationPassProgress) => void,
  ) {}

  /** Tells at most four times a second how much of the file has been read, 0 to 1. */
  reading(share: number): void {
    const now = Date.now();
    if (now - this.toldAt < intervalMs) return;
    this.toldAt = now;
    const percent = bands.rules * share;
    this.send(percent < bands.store ? 'parse' : 'store', percent);
  }

  /** Tells that a later stage begins. */
  begins(stage: 'rules' | 'results'): void {
    this.send(stage, bands[stage]);
  }

  private send(stage: ValidationPassProgress['stage'], percent: number): void {
    this.tell({ stage, percent: Math.round(percent * 100) / 100, ...this.counts() });
  }
}
