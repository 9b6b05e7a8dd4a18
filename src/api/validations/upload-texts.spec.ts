import { rangeOf } from './byte-range';
import { decodeCursor, encodeCursor, nextLink } from '../../platform/http/cursor';
import { displayName } from './file-name';
import { acceptedFormat } from './media-type';

describe('displayName', () => {
  it.each([
    ['members.csv', 'members.csv'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\temp\\list.csv', 'list.csv'],
    ['a\u0000\u202Eb\n.csv', 'ab.csv'],
    ['  ', 'upload.csv'],
    ['..', 'upload.csv'],
    [undefined, 'upload.csv'],
    ['folder/', 'upload.csv'],
  ])('shows %j as %j', (given, shown) => {
    expect(displayName(given)).toBe(shown);
  });

  it('cuts a long name between two characters', () => {
    expect(displayName('😀'.repeat(300))).toBe('😀'.repeat(127));
  });
});

describe('rangeOf', () => {
  it.each([
    [undefined, undefined],
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=5-', { start: 5, end: 9 }],
    ['bytes=-3', { start: 7, end: 9 }],
    ['bytes=-30', { start: 0, end: 9 }],
    ['bytes=2-99', { start: 2, end: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-2', undefined],
    ['bytes=0-1,3-4', undefined],
    ['lines=0-1', undefined],
    ['bytes=-', undefined],
  ])('reads %j of ten bytes as %j', (header, range) => {
    expect(rangeOf(header, 10)).toEqual(range);
  });

  it('finds nothing in an empty file', () => {
    expect([rangeOf('bytes=0-', 0), rangeOf('bytes=-1', 0)]).toEqual(['unsatisfiable', 'unsatisfiable']);
  });
});

describe('acceptedFormat', () => {
  it.each([
    [undefined, 'csv'],
    ['*/*', 'csv'],
    ['application/json', 'json'],
    ['text/html, application/json;q=0.9, */*;q=0.1', 'json'],
    ['*/*, application/json', 'json'],
    ['text/csv;q=0.4, application/json;q=0.3', 'csv'],
    ['text/csv;q=0', undefined],
    ['image/png', undefined],
  ])('answers %j with %j', (header, format) => {
    expect(acceptedFormat(header)).toBe(format);
  });
});

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
