import { decodeCursor, encodeCursor, nextLink } from './cursor';

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

  it('is linked with the other parameters of its page', () => {
    expect(nextLink('/api/x', { limit: 2, column: 'a&b', cursor: 'old', rule: undefined }, 'new')).toBe(
      '</api/x?limit=2&column=a%26b&cursor=new>; rel="next"',
    );
  });
});
