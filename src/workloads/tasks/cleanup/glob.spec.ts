import fc from 'fast-check';
import { faultOfGlob, matchesGlob } from './glob';

/** What it should say, by trying everything. */
function slowly(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern.startsWith('*')) {
    return (
      slowly(pattern.slice(1), text) ||
      (text !== '' && !text.startsWith('/') && slowly(pattern, text.slice(1)))
    );
  }
  const isSame = pattern.startsWith('?') ? text !== '' && !text.startsWith('/') : text[0] === pattern[0];
  return isSame && slowly(pattern.slice(1), text.slice(1));
}

describe('a pattern of file names', () => {
  it.each([
    ['*.log', 'a/b/c.log', true],
    ['*.log', 'c.log.gz', false],
    ['*', 'a/.hidden', true],
    ['a/*.log', 'a/c.log', true],
    ['a/*.log', 'a/b/c.log', false],
    ['a/**/*.log', 'a/c.log', true],
    ['a/**/*.log', 'a/b/d/c.log', true],
    ['**/b/**', 'a/b/c', true],
    ['**/b/**', 'a/c', false],
    ['**', 'a/b', true],
    ['???', 'a/💥bc', true],
    ['???', 'a/abcd', false],
    ['(a+)+$', 'aaaa', false],
    ['a.c', 'abc', false],
  ])('%s and %s: %s', (pattern, path, isMatch) => {
    expect(faultOfGlob(pattern)).toBeUndefined();
    expect(matchesGlob(pattern, path.split('/'))).toBe(isMatch);
  });

  it('says what trying everything would say', () => {
    const text = (...signs: string[]) =>
      fc.array(fc.constantFrom(...signs), { maxLength: 7 }).map((all) => all.join(''));
    fc.assert(
      fc.property(text('a', 'b', '*', '?'), text('a', 'b'), (pattern, name) => {
        expect(matchesGlob(pattern, [name])).toBe(slowly(pattern, name));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes no time to speak of where backtracking would take for ever', () => {
    const pattern = `${'*a'.repeat(15)}b`;
    const begunAt = performance.now();
    expect(matchesGlob(pattern, ['a'.repeat(255)])).toBe(false);
    expect(
      matchesGlob(
        `${'**/a/'.repeat(7)}b`,
        Array.from({ length: 64 }, () => 'a'),
      ),
    ).toBe(false);
    expect(performance.now() - begunAt).toBeLessThan(100);
  });

  it.each([
    ['', 'characters'],
    ['a'.repeat(201), 'characters'],
    ['a\0', 'NUL'],
    ['[a-z].log', 'write ?'],
    ['{a,b}', 'write ?'],
    ['..\\x', 'write ?'],
    ['/etc/*', 'relative'],
    ['../*', 'relative'],
    ['a//b', 'relative'],
    ['a**', 'a part of its own'],
    ['*?'.repeat(9), 'at most 16'],
  ])('is refused as %j, with the way out', (pattern, said) => {
    expect(faultOfGlob(pattern)).toContain(said);
  });
});
