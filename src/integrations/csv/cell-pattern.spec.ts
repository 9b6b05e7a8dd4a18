import fc from 'fast-check';
import { RE2JS } from 're2js';
import { compilePattern, PatternChecks, PatternError } from './cell-pattern';
import { bytesOf } from './cell-text';
import { parseAtoms } from './pattern-atoms';

const matches = (pattern: string, text: string) => {
  const padded = bytesOf(`?${text}?`);
  return compilePattern(pattern)(padded, 1, padded.length - 1);
};

describe('compilePattern', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '[ab]',
    '[^a]',
    '[a-c]',
    '\\d',
    '\\w',
    '\\.',
    '.',
    '-',
    '[\\d-]',
    '[]a]',
  );
  const count = fc.constantFrom('', '', '?', '*', '+', '{2}', '{1,3}', '{2,}');
  const sequence = fc.array(fc.tuple(piece, count), { minLength: 1, maxLength: 5 });

  it('decides as RE2 does, on the bytes or not', () => {
    let onBytes = 0;
    fc.assert(
      fc.property(
        sequence,
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '.', '-', 'é', ']'), maxLength: 8 }), {
          maxLength: 20,
        }),
        fc.constantFrom('', '^', '$', '^$'),
        (parts, texts, anchors) => {
          const body = parts.map(([atom, repeat]) => atom + repeat).join('');
          const pattern = (anchors.includes('^') ? '^' : '') + body + (anchors.includes('$') ? '$' : '');
          if (parseAtoms(pattern) !== undefined) onBytes++;
          const expected = RE2JS.compile(pattern);
          for (const text of texts)
            expect([pattern, text, matches(pattern, text)]).toEqual([pattern, text, expected.matches(text)]);
        },
      ),
      { numRuns: 500 },
    );
    expect(onBytes).toBeGreaterThan(100);
  });

  it.each([
    ['M\\d{6}', 'M104233', true],
    ['M\\d{6}', 'M10423', false],
    ['M\\d{6}', 'xM104233', false],
    ['(north|south)-\\d+', 'south-7', true],
    ['\\p{Lu}\\p{L}+', 'Élodie', true],
    ['.{3}', 'äöü', true],
  ])('matches the whole value: %s against %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  it.each(['(a+)+', '(x+x+)+y', '([a-z]{1,20}){1,20}', '(.*a){12}'])('never runs away on %s', (pattern) => {
    const begin = performance.now();
    expect(matches(pattern, `${'a'.repeat(4000)}!`)).toBe(false);
    // Measured: below 60 ms on a busy machine; a backtracking engine would need years.
    expect(performance.now() - begin).toBeLessThan(600);
  });

  it.each(['(?=a)', '(a)\\1', 'a{1001}', '((a{90}){90}){9}', '[', '('])('refuses %s', (pattern) => {
    expect(() => new PatternChecks().check(pattern)).toThrow(PatternError);
  });

  it('does not take waiting for a processor for work', () => {
    const checks = new PatternChecks();
    let now = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 1_000));
    try {
      for (let i = 1; i <= 50; i++) expect(() => checks.check(`(a|b){${i}}`)).not.toThrow();
    } finally {
      clock.mockRestore();
    }
  });
});
