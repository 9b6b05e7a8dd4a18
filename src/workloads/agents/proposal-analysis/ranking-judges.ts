import type { Quote } from '../quote';

/** What the price-only quotes of document 001 have, too. */
interface BareQuote {
  readonly id: string;
  readonly operatorName: string;
  readonly price: number;
}

type AnyQuote = Quote | BareQuote;

/** Scores one quote, 0 to 100, and says why. */
export type Judgement = (quote: AnyQuote) => { readonly score: number; readonly explanation: string };

/** Looks at all quotes first; a text says why they cannot be judged by it. */
type Judge = (quotes: readonly AnyQuote[], budget: number | undefined) => Judgement | string;

// Each toLocaleString would make another one.
const upToCents = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
const upToTenths = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

const SPARE_SEATS_OF_COMFORT = 4;
const BEST_RATING = 5;
const POINTS_PER_STOP = 30;
// At so much over the budget a quote gets nothing for it.
const HOPELESS_OVER_BUDGET = 0.5;

/** Judges that need the details of the search, which a bare quote does not have. */
function detailed(
  subject: string,
  judge: (quotes: readonly Quote[]) => (quote: Quote) => ReturnType<Judgement>,
): Judge {
  return (quotes) => {
    const full = quotes.filter(isDetailed);
    if (full.length < quotes.length) {
      const silent = quotes.length - full.length;
      return `${subject} left out: ${silent} of ${quotes.length} quotes do not say it.`;
    }
    const judged = judge(full);
    return (quote) => judged(quote as Quote);
  };
}

export const judges: Readonly<Record<'price' | 'time' | 'comfort' | 'operator' | 'budget' | 'stops', Judge>> =
  {
    /** The cheapest gets 100, one that costs twice as much 50: the points of a quote depend on nothing but the cheapest. */
    price: (quotes) => {
      const lowest = Math.min(...quotes.map(({ price }) => price));
      return ({ price }) => {
        const score = price === 0 ? 100 : (lowest / price) * 100;
        const more =
          lowest === 0 ? '' : `, ${percent(price / lowest - 1)} above the lowest of ${dollars(lowest)}`;
        return {
          score,
          explanation: price === lowest ? `${dollars(price)}, the lowest price` : `${dollars(price)}${more}`,
        };
      };
    },
    time: detailed('Time is', (quotes) => {
      const shortest = Math.min(...quotes.map(({ blockMinutes }) => blockMinutes));
      return ({ blockMinutes }) => {
        const more =
          blockMinutes === shortest
            ? 'the shortest'
            : `${hours(blockMinutes - shortest)} longer than the shortest`;
        const score = blockMinutes === 0 ? 100 : (shortest / blockMinutes) * 100;
        return { score, explanation: `${hours(blockMinutes)} from block to block, ${more}` };
      };
    }),
    comfort: detailed('Comfort is', () => ({ aircraft: { seats, category }, passengers }) => {
      const spare = Math.max(0, seats - passengers);
      const cabin = cabinPoints[category];
      const score = (Math.min(spare, SPARE_SEATS_OF_COMFORT) / SPARE_SEATS_OF_COMFORT) * 50 + cabin;
      return {
        score,
        explanation: `${count(spare, 'spare seat')} of ${seats}, ${category} cabin (${cabin} of 50)`,
      };
    }),
    operator: detailed('The operator is', () => ({ aircraft: { operatorRating } }) => ({
      score: (Math.min(Math.max(operatorRating, 0), BEST_RATING) / BEST_RATING) * 100,
      explanation: `rated ${operatorRating} of ${BEST_RATING}`,
    })),
    budget: (_quotes, budget) => {
      if (budget === undefined) return 'The budget is left out: none was given.';
      return ({ price }) => {
        const over = price / budget - 1;
        if (over <= 0) return { score: 100, explanation: `within the budget of ${dollars(budget)}` };
        const score = Math.max(0, 1 - over / HOPELESS_OVER_BUDGET) * 100;
        return { score, explanation: `${percent(over)} over the budget of ${dollars(budget)}` };
      };
    },
    stops: detailed('Stops are', () => ({ fuelStopCount }) => ({
      score: Math.max(0, 100 - POINTS_PER_STOP * fuelStopCount),
      explanation: fuelStopCount === 0 ? 'no stop for fuel' : count(fuelStopCount, 'stop') + ' for fuel',
    })),
  };

const cabinPoints: Readonly<Record<Quote['aircraft']['category'], number>> = {
  turboprop: 15,
  light: 20,
  midsize: 30,
  'super-midsize': 38,
  heavy: 45,
  'ultra-long-range': 50,
};

function isDetailed(quote: AnyQuote): quote is Quote {
  return 'aircraft' in quote && 'blockMinutes' in quote;
}

function dollars(amount: number): string {
  return `$${upToCents.format(amount)}`;
}

function percent(share: number): string {
  return `${upToTenths.format(share * 100)} %`;
}

function hours(minutes: number): string {
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
