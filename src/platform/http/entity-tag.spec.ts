import { entityTag, tagMatches } from './entity-tag';

describe('entity tags', () => {
  it('are equal for equal bodies only', () => {
    expect(entityTag({ a: 1 })).toBe(entityTag({ a: 1 }));
    expect(entityTag({ a: 1 })).not.toBe(entityTag({ a: 2 }));
  });

  it.each([
    ['*', true],
    ['W/"abc"', true],
    ['"abc"', true],
    ['"other" , W/"abc"', true],
    ['"other"', false],
    ['abc', false],
    ['', false],
  ])('are matched by %j: %s', (header, isMatch) => {
    expect(tagMatches(header, 'W/"abc"')).toBe(isMatch);
  });
});
