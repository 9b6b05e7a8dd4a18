/** `trade` and `cash` speak for themselves; `split` changes a position without a price, `transfer` moves one in or out. */
export type ActivityKind = 'trade' | 'split' | 'transfer' | 'cash';
export type ActivitySide = 'buy' | 'sell';

/** One thing that happened in an account. Numbers are exact decimals, as texts. */
export interface BrokerActivity {
  /** The source's own id: the same activity always has the same one. */
  readonly externalId: string;
  readonly kind: ActivityKind;
  /** The source's own word, such as `FILL` or `DIV`. */
  readonly type: string;
  readonly symbol?: string;
  readonly side?: ActivitySide;
  /** By how much the position changes; negative for what leaves it. */
  readonly quantity?: string;
  readonly price?: string;
  /** By how much the cash changes. */
  readonly cash?: string;
  readonly fee?: string;
  readonly currency?: string;
  readonly occurredAt: Date;
}

/** A position as the broker tells it; the quantity of a short one is negative. */
export interface BrokerPosition {
  readonly symbol: string;
  readonly quantity: string;
}
