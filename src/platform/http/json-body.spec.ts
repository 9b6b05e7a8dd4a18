import fc from 'fast-check';
import { Problem } from '../problems/problem';
import {
  isDeeperThan,
  isWiderThan,
  MAX_JSON_DEPTH,
  MAX_JSON_MEMBERS,
  MAX_JSON_VALUES,
  parseJson,
} from './json-body';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function mostMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Math.max(own, ...Object.values(value).map(mostMembers));
}

// Nested on purpose, and with strings full of what could be taken for structure.
const nested = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'large', withCrossShrink: true },
    fc.oneof(
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.string(),
      fc.constantFrom('[{', '\\"[', '"}{'),
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('[', '"{', '\\')), tie('value'), { maxKeys: 3 }),
  ),
})).value;

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'none';
  } catch (error) {
    return error instanceof Problem ? error.code : String(error);
  }
};

describe('the depth scan', () => {
  it('agrees with a recursive count on every JSON text', () => {
    fc.assert(
      fc.property(nested, fc.integer({ min: 0, max: 8 }), fc.boolean(), (value, max, isIndented) => {
        const text = JSON.stringify(value, undefined, isIndented ? 2 : undefined);
        expect(isDeeperThan(text, max)).toBe(depthOf(value) > max);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws, whatever the text is', () => {
    const mess = fc.string({
      unit: fc.constantFrom('[', ']', '{', '}', '"', '\\', 'x', ',', '\ud800'),
      maxLength: 200,
    });
    fc.assert(fc.property(mess, (text) => typeof isDeeperThan(text, 5) === 'boolean'));
  });
});

describe('the width scan', () => {
  it('agrees with a recursive count on every JSON text', () => {
    fc.assert(
      fc.property(nested, fc.integer({ min: 1, max: 8 }), fc.boolean(), (value, max, isIndented) => {
        const text = JSON.stringify(value, undefined, isIndented ? 2 : undefined);
        expect(isWiderThan(text, max, Infinity)).toBe(mostMembers(value) > max);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws, whatever the text is', () => {
    const mess = fc.string({ unit: fc.constantFrom('[', ']', '{', '}', '"', '\\', ','), maxLength: 200 });
    fc.assert(fc.property(mess, (text) => typeof isWiderThan(text, 5, 50) === 'boolean'));
  });
});

describe('a JSON body', () => {
  it('is read as JSON.parse reads it, or refused with a problem', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        const code = codeOf(() => expect(parseJson(text)).toEqual(JSON.parse(text)));
        expect(['none', 'json_malformed', 'json_too_deep', 'json_key_refused']).toContain(code);
      }),
    );
  });

  it('may have exactly 20 levels', () => {
    const levels = (count: number) => '['.repeat(count) + ']'.repeat(count);
    expect(codeOf(() => parseJson(levels(MAX_JSON_DEPTH)))).toBe('none');
    expect(codeOf(() => parseJson(levels(MAX_JSON_DEPTH + 1)))).toBe('json_too_deep');
  });

  it('may have exactly 250 members in one object, and 20,000 values', () => {
    const members = (count: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1])));
    expect(codeOf(() => parseJson(members(MAX_JSON_MEMBERS)))).toBe('none');
    expect(codeOf(() => parseJson(members(MAX_JSON_MEMBERS + 1)))).toBe('json_too_wide');
    const values = (count: number) => `[${Array.from({ length: count }, () => 1).join()}]`;
    expect(codeOf(() => parseJson(values(MAX_JSON_VALUES)))).toBe('none');
    expect(codeOf(() => parseJson(values(MAX_JSON_VALUES + 1)))).toBe('json_too_wide');
  });

  it('points to the keys that are refused, and escapes them', () => {
    try {
      parseJson('{"a/b":[{"x~":{"constructor":1}},{"__proto__":2}]}');
      throw new Error('It was accepted.');
    } catch (error) {
      expect((error as Problem).errors?.map(({ pointer }) => pointer).sort()).toEqual([
        '#/a~1b/0/x~0/constructor',
        '#/a~1b/1/__proto__',
      ]);
    }
  });

  it('names no key twice, whatever else it holds', () => {
    const twice = '{"a":[0,{"b":"x:y","c/d":{"e":1,"e" : {"e":2}}}]}';
    expect(codeOf(() => parseJson(twice))).toBe('json_key_refused');
    expect(() => parseJson(twice)).toThrow(
      expect.objectContaining({ errors: [expect.objectContaining({ pointer: '#/a/1/c~1d/e' })] }),
    );
    expect(parseJson('[{"a":1},{"a":":"}]')).toEqual([{ a: 1 }, { a: ':' }]);
    fc.assert(
      fc.property(nested, fc.boolean(), (value, isIndented) => {
        const text = JSON.stringify({ first: value, last: 1 }, undefined, isIndented ? 2 : undefined);
        expect(codeOf(() => parseJson(`{"first":0,${text.slice(1)}`))).toMatch(/json_key_refused|json_too/);
      }),
    );
  });

  it('may hold those words as values, and a byte order mark', () => {
    expect(parseJson('["__proto__","constructor"]')).toEqual(['__proto__', 'constructor']);
    expect(parseJson(Buffer.from('\ufeff{"a":1}'))).toEqual({ a: 1 });
  });

  it.each(['', ' ', '{', '{"a":1,}', "{'a':1}", 'NaN', '// x\n1', '"\u0000"'])('refuses %j', (text) => {
    expect(codeOf(() => parseJson(text))).toBe('json_malformed');
  });
});
