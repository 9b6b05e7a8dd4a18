import { payloadTexts } from './payload-texts';

describe('the texts of a payload', () => {
  it('are those of all members, also in other spellings, but no short words and no numbers', () => {
    const texts = payloadTexts({
      format: 'csv',
      to: ['a@b.example'],
      deep: { note: 'two words' },
      count: 1234567,
    });
    expect(texts).toEqual(expect.arrayContaining(['a@b.example', 'a%40b.example', 'two words']));
    expect(texts).not.toContain('csv');
    expect(texts.join(' ')).not.toContain('1234567');
  });

  it('come longest first, so that a part does not break the whole', () => {
    const lengths = payloadTexts(['abcdef', 'abcdefghi']).map(({ length }) => length);
    expect(lengths).toEqual([...lengths].toSorted((one, other) => other - one));
  });

  it('are bounded, however large and deep the payload is', () => {
    const wide = Array.from({ length: 5_000 }, (_, at) => `a text ${at}`);
    expect(payloadTexts(wide).length).toBeLessThanOrEqual(7_000);
    const deep = Array.from({ length: 50 }).reduce<object>((inner) => ({ inner, text: 'x'.repeat(9) }), {});
    expect(payloadTexts(deep)).toContain('x'.repeat(9));
    expect(payloadTexts(undefined)).toEqual([]);
  });
});
