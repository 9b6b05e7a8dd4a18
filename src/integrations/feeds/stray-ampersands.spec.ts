import fc from 'fast-check';
import { StrayAmpersands } from './stray-ampersands';

const mended = (...pieces: string[]) => {
  const ampersands = new StrayAmpersands();
  const parts = pieces.map((piece) => ampersands.mend(piece));
  return parts.join('') + ampersands.mend('', true);
};

describe('an ampersand that is no reference', () => {
  it.each([
    ['AT&T', 'AT&amp;T'],
    ['a & b', 'a &amp; b'],
    ['<link>http://e.org/?a=1&b=2</link>', '<link>http://e.org/?a=1&amp;b=2</link>'],
    ['<a href="?a=1&b=2"/>', '<a href="?a=1&amp;b=2"/>'],
    ['&amp;&#8217;&#x2019;&rsquo;&unknown;', '&amp;&#8217;&#x2019;&rsquo;&unknown;'],
    ['&#99999999;&#xZZ;&;', '&amp;#99999999;&amp;#xZZ;&amp;;'],
    ['<![CDATA[a & b]]>&<!-- & -->&', '<![CDATA[a & b]]>&amp;<!-- & -->&amp;'],
    ['<!DOCTYPE rss>&', '<!DOCTYPE rss>&amp;'],
    ['<![CDATA[never & ends', '<![CDATA[never & ends'],
    ['ends in &', 'ends in &amp;'],
    ['ends in <!', 'ends in <!'],
  ])('%s', (text, expected) => {
    expect(mended(text)).toBe(expected);
    expect(mended(...text)).toBe(expected);
  });

  it('is found whichever way the text is cut', () => {
    const words = [
      '&',
      '&amp;',
      '&#x1F600;',
      ';',
      '<![CDATA[',
      ']]>',
      '<!--',
      '-->',
      '<',
      '!',
      'ab',
      ']',
      '-',
    ];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...words), { maxLength: 30 }),
        fc.nat(80),
        fc.nat(80),
        (parts, one, two) => {
          const text = parts.join('');
          const [from, to] = [Math.min(one, two), Math.max(one, two)];
          expect(mended(text.slice(0, from), text.slice(from, to), text.slice(to))).toBe(mended(text));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
