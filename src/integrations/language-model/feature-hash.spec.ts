import * as fc from 'fast-check';
import { featureHashVector, HASH_DIMENSIONS } from './feature-hash';

const likeness = (one: string, other: string) => {
  const [a, b] = [featureHashVector(one), featureHashVector(other)];
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
};

describe('the hashed vector of a text', () => {
  it('has 256 dimensions and length 1, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const vector = featureHashVector(text);
        const length = Math.hypot(...vector);
        expect(vector).toHaveLength(HASH_DIMENSIONS);
        expect(length < 1e-9 || Math.abs(length - 1) < 1e-5).toBe(true);
        expect(featureHashVector(text)).toEqual(vector);
      }),
    );
  });

  it('stays the same over releases, because vectors are kept', () => {
    const places = [...featureHashVector('Bought too early.')].flatMap((value, at) =>
      Math.abs(value) > 0.15 ? [[at, Math.round(value * 1000)]] : [],
    );
    expect(places).toMatchInlineSnapshot(`
     [
       [
         4,
         228,
       ],
       [
         6,
         336,
       ],
       [
         56,
         190,
       ],
       [
         59,
         -336,
       ],
       [
         184,
         291,
       ],
       [
         236,
         -228,
       ],
     ]
    `);
  });

  it('lies near that of a text with the same words, other forms and typing errors', () => {
    const note = 'Sold Apple too early because I was afraid of the earnings report';
    const near = likeness(note, 'I was afraid of earnings and sold Apple early');
    const typed = likeness(note, 'Sold Aple to early becuase I was afraid of the earnigns report');
    const far = likeness(note, 'The crew needs vegetarian catering in Geneva');
    expect(near).toBeGreaterThan(far + 0.3);
    expect(typed).toBeGreaterThan(far + 0.3);
    expect(likeness('Genève', 'GENEVE')).toBeCloseTo(1);
  });

  it('is found in linear time for a megabyte', () => {
    const startedAt = performance.now();
    featureHashVector('a'.repeat(1_000_000));
    featureHashVector('ab '.repeat(333_333));
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
