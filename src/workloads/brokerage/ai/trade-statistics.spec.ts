import { FifoBook, type Movement, type RoundTrip } from './fifo-book';
import { StatisticsBuilder } from './trade-statistics';

const at = (day: number) => new Date(Date.UTC(2024, 0, day));
const move = (
  day: number,
  quantity: string,
  price: string | null,
  more: Partial<Movement> = {},
): Movement => ({
  kind: 'trade',
  symbol: 'AAPL',
  quantity,
  price,
  fee: null,
  currency: 'USD',
  occurredAt: at(day),
  ...more,
});
const tripsOf = (...movements: Movement[]) => {
  const book = new FifoBook();
  const trips = movements.flatMap((movement) => book.take(movement) ?? []);
  return { book, trips };
};
const shown = ({ direction, quantity, profit, heldMs }: RoundTrip) => [
  direction,
  quantity.toFixed(),
  profit.toFixed(),
  heldMs / 3_600_000,
];

describe('round trips, first in first out', () => {
  it('match the oldest lots first, in parts, with the fees of both ends', () => {
    const { trips, book } = tripsOf(
      move(1, '10', '100', { fee: '1' }),
      move(2, '10', '110'),
      move(5, '-15', '120', { fee: '3' }),
      move(6, '-5', '90'),
    );
    // 10 of 100 and 5 of 110 for 120, a fee of 1 and one of 3; then 5 of 110 for 90.
    expect(trips.map(shown)).toEqual([
      ['long', '15', '246', 88],
      ['long', '5', '-100', 96],
    ]);
    expect(book.openPositions()).toEqual([]);
  });

  it('know short positions, and those that turn round', () => {
    const { trips, book } = tripsOf(move(1, '-10', '50'), move(2, '15', '40'), move(3, '-5', '30'));
    expect(trips.map(shown)).toEqual([
      ['short', '10', '100', 24],
      ['long', '5', '-50', 24],
    ]);
    expect(book.openPositions()).toEqual([]);
  });

  it('are exact where doubles are not', () => {
    const { trips } = tripsOf(move(1, '0.1', '0.1'), move(1, '0.2', '0.1'), move(2, '-0.3', '0.2'));
    expect(trips[0]?.profit.toFixed()).toBe('0.03');
  });

  it('go through splits in one and in two bookings, and through thirds', () => {
    const split = (quantity: string) => move(2, quantity, null, { kind: 'split' });
    const one = tripsOf(move(1, '10', '100'), split('30'), move(3, '-40', '30'));
    const two = tripsOf(move(1, '10', '100'), split('-10'), split('40'), move(3, '-40', '30'));
    expect(one.trips.map(shown)).toEqual([['long', '40', '200', 48]]);
    expect(two.trips.map(shown)).toEqual(one.trips.map(shown));
    const thirds = tripsOf(...[1, 1, 1].map(() => move(1, '1', '9')), split('-2'), move(3, '-1', '30'));
    expect(thirds.book.openPositions()).toEqual([]);
    expect(Number(thirds.trips[0]?.profit.toFixed(6))).toBe(3);
  });

  it('leave out what came in without a price, and say so', () => {
    const { trips, book } = tripsOf(move(1, '10', null, { kind: 'transfer' }), move(2, '-10', '50'));
    expect(trips).toEqual([]);
    expect(book.withoutCost).toBe(1);
  });
});

describe('statistics of round trips', () => {
  const trip = (day: number, profit: string, symbol = 'AAPL'): RoundTrip =>
    tripsOf(
      move(day - 1, '1', '1000', { symbol }),
      move(day, '-1', String(1000 + Number(profit)), { symbol }),
    ).trips[0]!;

  it('are right', () => {
    const builder = new StatisticsBuilder();
    const profits = ['10', '-4', '-6', '-5', '30', '0', '-1'];
    profits.forEach((profit, index) => builder.add(trip(index + 2, profit, index < 5 ? 'AAPL' : 'MSFT')));
    const [result] = builder.results();
    expect(result).toMatchObject({
      currency: 'USD',
      roundTrips: 7,
      wins: 2,
      losses: 4,
      winRate: 0.2857,
      netProfit: '24',
      grossProfit: '40',
      grossLoss: '16',
      profitFactor: 2.5,
      expectancy: '3.42857143',
      averageWin: '20',
      averageLoss: '4',
      largestWin: '30',
      largestLoss: '6',
      longestLosingStreak: 3,
      maxDrawdown: { amount: '15', from: at(2).toISOString(), to: at(5).toISOString() },
      holding: { averageSeconds: 86_400, medianSeconds: 86_400, longestSeconds: 86_400 },
    });
    expect(result?.bySymbol).toEqual([
      { symbol: 'AAPL', roundTrips: 5, winRate: 0.4, netProfit: '25' },
      { symbol: 'MSFT', roundTrips: 2, winRate: 0, netProfit: '-1' },
    ]);
    expect(builder.concentration()).toEqual({
      top: [
        { symbol: 'AAPL', share: 0.7143 },
        { symbol: 'MSFT', share: 0.2857 },
      ],
      index: 0.5918,
    });
  });

  it('begin a drawdown at nothing, and have no profit factor without losses', () => {
    const losing = new StatisticsBuilder();
    losing.add(trip(2, '-5'));
    expect(losing.results()[0]?.maxDrawdown).toEqual({ amount: '5', from: null, to: at(2).toISOString() });
    const winning = new StatisticsBuilder();
    winning.add(trip(2, '5'));
    expect(winning.results()[0]).toMatchObject({
      profitFactor: null,
      maxDrawdown: { amount: '0', to: null },
    });
  });

  it('keep currencies apart', () => {
    const builder = new StatisticsBuilder();
    builder.add(trip(2, '5'));
    builder.add({ ...trip(2, '5'), currency: null });
    expect(builder.results().map(({ currency, netProfit }) => [currency, netProfit])).toEqual([
      ['USD', '5'],
      [null, '5'],
    ]);
  });
});
