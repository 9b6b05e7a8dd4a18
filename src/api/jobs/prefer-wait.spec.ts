import { preferredWait } from './prefer-wait';

describe('the wait that a caller prefers', () => {
  it.each([
    ['wait=5', 5],
    ['respond-async, wait=10', 10],
    ['WAIT = "7"; foo=bar, return=minimal', 7],
    ['wait=31', 30],
    ['wait=999999999', 30],
    ['wait=2, wait=9', 2],
    ['wait=0', 0],
    ['wait=-1', 0],
    ['wait=1.5', 0],
    ['wait=9999999999999', 0],
    ['await=5', 0],
    ['return=minimal', 0],
    ['', 0],
    [undefined, 0],
  ])('of %j is %d seconds', (header, seconds) => {
    expect(preferredWait(header)).toBe(seconds);
  });
});
