const WINDOW_MS = 60_000;
// A fault that hits every job would fill the address, and tell nothing that the first reports did not.
const MAX_REPORTS_A_MINUTE = 60;

/** How many reports go out in a minute: 60 of all, and per fingerprint as many as its kind may have. */
export class ReportBudget {
  private readonly taken = new Map<string, number>();
  private total = 0;
  private heldBack = 0;
  private beganAt = -Infinity;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Whether one more report with this fingerprint may go out now; at most `most` of them in a minute. */
  take(fingerprint: string, most: number): boolean {
    this.turn();
    const before = this.taken.get(fingerprint) ?? 0;
    if (this.total >= MAX_REPORTS_A_MINUTE || before >= most) {
      this.heldBack += 1;
      return false;
    }
    this.taken.set(fingerprint, before + 1);
    this.total += 1;
    return true;
  }

  /** How many were held back since this was last asked. */
  takeHeldBack(): number {
    const { heldBack } = this;
    this.heldBack = 0;
    return heldBack;
  }

  private turn(): void {
    const now = this.now();
    if (now - this.beganAt < WINDOW_MS) return;
    this.beganAt = now;
    this.total = 0;
    this.taken.clear();
  }
}
