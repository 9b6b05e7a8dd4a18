import { Big } from 'big.js';
import type { OpenPosition, RoundTrip } from './fifo-book';

/** What a user's trading of some time came to. Amounts are decimals as texts, in the currency that is named. */
export interface TradeStatistics {
  /** ISO 8601; null for no limit. */
  readonly from: string | null;
  readonly to: string | null;
  readonly executions: number;
  readonly symbols: number;
  /** Executions that closed something whose cost is not known; they are in no amount. */
  readonly withoutCost: number;
  /** The history is longer than is read, and what is newer is missing. */
  readonly isCut: boolean;
  /** One for each currency, that with most round trips first. */
  readonly results: readonly CurrencyResult[];
  readonly concentration: Concentration;
  readonly openPositions: readonly ShownPosition[];
}

export interface CurrencyResult {
  /** Null where the source names none. */
  readonly currency: string | null;
  readonly roundTrips: number;
  readonly wins: number;
  readonly losses: number;
  /** Share of wins, 0 to 1. */
  readonly winRate: number;
  readonly netProfit: string;
  readonly grossProfit: string;
  readonly grossLoss: string;
  /** Gross profit by gross loss; null without losses. */
  readonly profitFactor: number | null;
  /** Profit of a round trip on average. */
  readonly expectancy: string;
  readonly averageWin: string;
  readonly averageLoss: string;
  readonly largestWin: string;
  readonly largestLoss: string;
  readonly longestLosingStreak: number;
  readonly maxDrawdown: Drawdown;
  readonly holding: Holding;
  /** The ten with the most round trips. */
  readonly bySymbol: readonly SymbolResult[];
}

export interface Drawdown {
  /** The deepest fall of the summed profits below their peak before; 0 or more. */
  readonly amount: string;
  readonly from: string | null;
  readonly to: string | null;
}

export interface Holding {
  readonly averageSeconds: number;
  readonly medianSeconds: number;
  readonly longestSeconds: number;
}

export interface SymbolResult {
  readonly symbol: string;
  readonly roundTrips: number;
  readonly winRate: number;
  readonly netProfit: string;
}

export interface Concentration {
  /** Of all round trips, the share of each of the five symbols with the most. */
  readonly top: readonly { readonly symbol: string; readonly share: number }[];
  /** Herfindahl and Hirschman's index over all symbols: 1 for one alone. */
  readonly index: number;
}

export interface ShownPosition {
  readonly symbol: string;
  readonly currency: string | null;
  readonly quantity: string;
  readonly averageCost: string | null;
}

const MAX_CURRENCIES = 10;
const MAX_SYMBOLS = 10;
const MAX_CONCENTRATED = 5;
const MAX_POSITIONS = 50;
const PLACES = 8;
const zero = Big(0);

/** The numbers of some round trips, which come in the order of their ends. */
export class StatisticsBuilder {
  private readonly byCurrency = new Map<string | null, CurrencyTally>();
  private readonly tripsBySymbol = new Map<string, number>();
  private trips = 0;

  add(trip: RoundTrip): void {
    this.trips += 1;
    this.tripsBySymbol.set(trip.symbol, (this.tripsBySymbol.get(trip.symbol) ?? 0) + 1);
    const tally = this.byCurrency.get(trip.currency) ?? new CurrencyTally(trip.currency);
    this.byCurrency.set(trip.currency, tally);
    tally.add(trip);
  }

  results(): CurrencyResult[] {
    return [...this.byCurrency.values()]
      .map((tally) => tally.result())
      .sort((a, b) => b.roundTrips - a.roundTrips)
      .slice(0, MAX_CURRENCIES);
  }

  concentration(): Concentration {
    const shares = [...this.tripsBySymbol]
      .map(([symbol, count]) => ({ symbol, share: count / this.trips }))
      .sort((a, b) => b.share - a.share || (a.symbol < b.symbol ? -1 : 1));
    const index = shares.reduce((sum, { share }) => sum + share * share, 0);
    const top = shares
      .slice(0, MAX_CONCENTRATED)
      .map(({ symbol, share }) => ({ symbol, share: rounded(share) }));
    return { top, index: rounded(index) };
  }
}

/** The largest positions, as they are shown. */
export function shownPositions(positions: readonly OpenPosition[]): ShownPosition[] {
  const worth = ({ quantity, averageCost }: OpenPosition) => quantity.abs().times(averageCost ?? 0);
  return positions
    .toSorted((a, b) => worth(b).cmp(worth(a)))
    .slice(0, MAX_POSITIONS)
    .map(({ symbol, currency, quantity, averageCost }) => ({
      symbol,
      currency,
      quantity: quantity.toFixed(),
      averageCost: averageCost === null ? null : text(averageCost),
    }));
}

class CurrencyTally {
  private wins = 0;
  private losses = 0;
  private grossProfit = zero;
  private grossLoss = zero;
  private largestWin = zero;
  private largestLoss = zero;
  private streak = 0;
  private longestStreak = 0;
  private readonly held: number[] = [];
  private readonly symbols = new Map<string, { trips: number; wins: number; profit: Big }>();
  private readonly curve = new DrawdownCurve();

  constructor(private readonly currency: string | null) {}

  add({ symbol, profit, heldMs, closedAt }: RoundTrip): void {
    this.held.push(heldMs);
    this.curve.add(profit, closedAt);
    const known = this.symbols.get(symbol) ?? { trips: 0, wins: 0, profit: zero };
    this.symbols.set(symbol, known);
    known.trips += 1;
    known.profit = known.profit.plus(profit);
    if (profit.gt(0)) {
      known.wins += 1;
      this.wins += 1;
      this.grossProfit = this.grossProfit.plus(profit);
      if (profit.gt(this.largestWin)) this.largestWin = profit;
    }
    if (profit.lt(0)) {
      this.losses += 1;
      this.grossLoss = this.grossLoss.minus(profit);
      if (profit.lt(this.largestLoss)) this.largestLoss = profit;
    }
    this.streak = profit.lt(0) ? this.streak + 1 : 0;
    this.longestStreak = Math.max(this.longestStreak, this.streak);
  }

  result(): CurrencyResult {
    const { held, wins, losses, grossProfit, grossLoss } = this;
    const roundTrips = held.length;
    const netProfit = grossProfit.minus(grossLoss);
    return {
      currency: this.currency,
      roundTrips,
      wins,
      losses,
      winRate: rounded(wins / roundTrips),
      netProfit: text(netProfit),
      grossProfit: text(grossProfit),
      grossLoss: text(grossLoss),
      profitFactor: grossLoss.eq(0) ? null : rounded(grossProfit.div(grossLoss).toNumber()),
      expectancy: text(netProfit.div(roundTrips)),
      averageWin: text(wins === 0 ? zero : grossProfit.div(wins)),
      averageLoss: text(losses === 0 ? zero : grossLoss.div(losses)),
      largestWin: text(this.largestWin),
      largestLoss: text(this.largestLoss.abs()),
      longestLosingStreak: this.longestStreak,
      maxDrawdown: this.curve.deepest(),
      holding: holdingOf(held),
      bySymbol: this.bySymbol(),
    };
  }

  private bySymbol(): SymbolResult[] {
    return [...this.symbols]
      .sort(([a, one], [b, other]) => other.trips - one.trips || (a < b ? -1 : 1))
      .slice(0, MAX_SYMBOLS)
      .map(([symbol, { trips, wins, profit }]) => ({
        symbol,
        roundTrips: trips,
        winRate: rounded(wins / trips),
        netProfit: text(profit),
      }));
  }
}

/** The sum of all profits so far, and how far it has fallen below where it has been; it begins at 0. */
class DrawdownCurve {
  private sum = zero;
  private peak = zero;
  private peakAt: Date | null = null;
  private fall = zero;
  private fallen: { readonly from: Date | null; readonly to: Date } | undefined;

  add(profit: Big, at: Date): void {
    this.sum = this.sum.plus(profit);
    if (this.sum.gt(this.peak)) {
      this.peak = this.sum;
      this.peakAt = at;
    }
    const fall = this.peak.minus(this.sum);
    if (!fall.gt(this.fall)) return;
    this.fall = fall;
    this.fallen = { from: this.peakAt, to: at };
  }

  deepest(): Drawdown {
    const { fall, fallen } = this;
    return {
      amount: text(fall),
      from: fallen?.from?.toISOString() ?? null,
      to: fallen?.to.toISOString() ?? null,
    };
  }
}

function holdingOf(heldMs: readonly number[]): Holding {
  const sorted = heldMs.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
  const total = sorted.reduce((sum, held) => sum + held, 0);
  const seconds = (ms: number) => Math.round(ms / 1_000);
  return {
    averageSeconds: seconds(total / sorted.length),
    medianSeconds: seconds(median),
    longestSeconds: seconds(sorted.at(-1)!),
  };
}

function text(amount: Big): string {
  return amount.round(PLACES, Big.roundHalfEven).toFixed();
}

function rounded(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}
