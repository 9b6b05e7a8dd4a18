import { decodeCursor, encodeCursor, nextLink, timePlaceIn } from './cursor';

describe('a cursor', () => {
  it('comes back as it was given out', () => {
    expect(decodeCursor(encodeCursor([7, 'x']), 'number', 'string')).toEqual([7, 'x']);
  });

  it.each(['', 'x', encodeCursor([]), encodeCursor(['7', 'x']), encodeCursor([7]), 'y'.repeat(1_000)])(
    'is refused as %j',
    (cursor) => {
      expect(() => decodeCursor(cursor, 'number', 'string')).toThrow('cursor');
    },
  );

  it('names a time that PostgreSQL has, and an id that may be one', () => {
    const isShort = (id: string) => id.length < 3;
    const at = new Date('0001-01-01T00:00:00.000Z');
    expect(timePlaceIn(encodeCursor([at.getTime(), 'x']), isShort)).toEqual({ at, id: 'x' });
    const times = [at.getTime() - 1, Date.parse('+010000-01-01T00:00:00.000Z'), 0.5, 1e20];
    for (const time of times) expect(() => timePlaceIn(encodeCursor([time, 'x']), isShort)).toThrow('cursor');
    expect(() => timePlaceIn(encodeCursor([0, 'long']), isShort)).toThrow('cursor');
  });

  it('is linked with the other parameters of its page', () => {
    expect(nextLink('/api/x', { limit: 2, column: 'a&b', cursor: 'old', rule: undefined }, 'new')).toBe(
      '</api/x?limit=2&column=a%26b&cursor=new>; rel="next"',
    );
  });
});
