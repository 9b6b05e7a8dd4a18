import { Big } from 'big.js';

/** What changes a position; quantities are signed. */
export interface Movement {
  readonly kind: string;
  readonly symbol: string;
  readonly quantity: string;
  readonly price: string | null;
  readonly fee: string | null;
  readonly currency: string | null;
  readonly occurredAt: Date;
}

/** What one execution has closed of a position, first in first out. */
export interface RoundTrip {
  readonly symbol: string;
  readonly currency: string | null;
  readonly direction: 'long' | 'short';
  readonly quantity: Big;
  /** After the fees of both ends. */
  readonly profit: Big;
  readonly closedAt: Date;
  /** Between both ends, weighted by quantity, in milliseconds. */
  readonly heldMs: number;
}

/** What is left open of a symbol. */
export interface OpenPosition {
  readonly symbol: string;
  readonly currency: string | null;
  readonly quantity: Big;
  /** Per unit; null where the cost of a part is not known. */
  readonly averageCost: Big | null;
}

interface Lot {
  /** Signed; never 0. */
  quantity: Big;
  /** Per unit; undefined for what came in without a price. */
  readonly price: Big | undefined;
  /** Per unit. */
  readonly fee: Big;
  readonly openedAt: number;
  readonly currency: string | null;
}

const zero = Big(0);

/** The open lots of every symbol of one account, and what closes them; exact but for divisions, which have 20 places. */
export class FifoBook {
  /** Executions that closed something whose cost is not known. */
  withoutCost = 0;
  private readonly lots = new Map<string, Lot[]>();
  private splitting?: { readonly symbol: string; readonly at: number; change: Big };

  /** Takes the next movement, in the order of time; gives the round trip that it has ended, if any. */
  take(movement: Movement): RoundTrip | undefined {
    const { kind, symbol, occurredAt } = movement;
    const quantity = Big(movement.quantity);
    if (quantity.eq(0)) return undefined;
    if (kind === 'split') return this.split(symbol, occurredAt.getTime(), quantity);
    this.settleSplit();
    return this.move(movement, quantity);
  }

  openPositions(): OpenPosition[] {
    this.settleSplit();
    return [...this.lots].flatMap(([symbol, lots]) => {
      const [first] = lots;
      if (first === undefined) return [];
      const quantity = lots.reduce((sum, lot) => sum.plus(lot.quantity), zero);
      const isKnown = lots.every(({ price }) => price !== undefined);
      const cost = lots.reduce((sum, lot) => sum.plus(lot.quantity.times(lot.price ?? 0)), zero);
      return [
        { symbol, currency: first.currency, quantity, averageCost: isKnown ? cost.div(quantity) : null },
      ];
    });
  }

  private move(movement: Movement, quantity: Big): RoundTrip | undefined {
    const { symbol, occurredAt, currency } = movement;
    const lots = this.lots.get(symbol) ?? [];
    this.lots.set(symbol, lots);
    const price = movement.price === null ? undefined : Big(movement.price);
    const fee = movement.fee === null ? zero : Big(movement.fee).div(quantity.abs());
    const at = occurredAt.getTime();
    const closing = new Closing(movement, price, fee);
    let left = quantity;
    while (!left.eq(0) && lots[0] !== undefined && lots[0].quantity.s !== left.s) {
      const lot = lots[0];
      const matched = left.abs().lt(lot.quantity.abs()) ? left.abs() : lot.quantity.abs();
      closing.add(lot, matched);
      const rest = lot.quantity.minus(matched.times(lot.quantity.s));
      if (rest.eq(0)) lots.shift();
      else lot.quantity = rest;
      left = left.minus(matched.times(left.s));
    }
    if (!left.eq(0)) lots.push({ quantity: left, price, fee, openedAt: at, currency });
    if (lots.length === 0) this.lots.delete(symbol);
    if (closing.isWithoutCost) this.withoutCost += 1;
    return closing.result();
  }

  /** Some brokers take all shares out and put the new ones in: only both together are the split. */
  private split(symbol: string, at: number, change: Big): undefined {
    if (this.splitting?.symbol === symbol && this.splitting.at === at) {
      this.splitting.change = this.splitting.change.plus(change);
      return;
    }
    this.settleSplit();
    this.splitting = { symbol, at, change };
  }

  private settleSplit(): void {
    const { splitting } = this;
    if (splitting === undefined) return;
    this.splitting = undefined;
    const lots = this.lots.get(splitting.symbol) ?? [];
    const before = lots.reduce((sum, { quantity }) => sum.plus(quantity), zero);
    const after = before.plus(splitting.change);
    // Shares out of nothing, or a position that turns round: no split does that.
    if (before.eq(0) || after.eq(0) || before.s !== after.s) return;
    let left = after;
    const scaled = lots.map((lot, index): Lot => {
      // A third has no end: the last lot takes what is left, so that all together are what they are.
      const quantity = index === lots.length - 1 ? left : lot.quantity.times(after).div(before);
      left = left.minus(quantity);
      const [price, fee] = [lot.price?.times(before).div(after), lot.fee.times(before).div(after)];
      return { ...lot, quantity, price, fee };
    });
    this.lots.set(splitting.symbol, scaled);
  }
}

/** Sums up the lots that one execution closes. */
class Closing {
  isWithoutCost = false;
  private quantity = zero;
  private profit = zero;
  private weightedMs = 0;
  private direction: 'long' | 'short' = 'long';

  constructor(
    private readonly movement: Movement,
    private readonly price: Big | undefined,
    private readonly fee: Big,
  ) {}

  add(lot: Lot, matched: Big): void {
    const { price, fee, movement } = this;
    if (lot.price === undefined || price === undefined) {
      this.isWithoutCost = true;
      return;
    }
    const gain = price.minus(lot.price).times(matched).times(lot.quantity.s);
    this.direction = lot.quantity.s > 0 ? 'long' : 'short';
    this.quantity = this.quantity.plus(matched);
    this.profit = this.profit.plus(gain).minus(matched.times(fee.plus(lot.fee)));
    this.weightedMs += (movement.occurredAt.getTime() - lot.openedAt) * matched.toNumber();
  }

  result(): RoundTrip | undefined {
    const { quantity, profit, direction, movement } = this;
    if (quantity.eq(0)) return undefined;
    const { symbol, currency, occurredAt: closedAt } = movement;
    const heldMs = Math.max(0, Math.round(this.weightedMs / quantity.toNumber()));
    return { symbol, currency, direction, quantity, profit, closedAt, heldMs };
  }
}
