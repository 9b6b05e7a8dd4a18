import { canonicalJson, fingerprintOf } from './canonical-json';

describe('the canonical spelling of JSON', () => {
  it.each([
    ['the order of members', '{"b":1,"a":[1,{"d":2,"c":3}]}', '{"a":[1,{"c":3,"d":2}],"b":1}'],
    ['spaces', '{ "a" : 1 }', '{"a":1}'],
    ['spellings of a number', '{"a":1.0,"b":1e2}', '{"a":1,"b":100}'],
    ['escapes', '"\\u0041\\/"', '"A/"'],
  ])('does not know %s', (_what, one, other) => {
    expect(canonicalJson(JSON.parse(one))).toBe(canonicalJson(JSON.parse(other)));
  });

  it.each([
    ['a number and its text', '1', '"1"'],
    ['the order of a list', '[1,2]', '[2,1]'],
    ['null and nothing', '{"a":null}', '{}'],
    ['two lone halves of a character', '"\\ud800"', '"\\ud801"'],
  ])('tells %s apart', (_what, one, other) => {
    expect(canonicalJson(JSON.parse(one))).not.toBe(canonicalJson(JSON.parse(other)));
  });

  it('leaves out what JSON leaves out', () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  });

  it('never lets two lists of parts share a fingerprint', () => {
    expect(fingerprintOf('ab', 'c')).not.toBe(fingerprintOf('a', 'bc'));
    expect(fingerprintOf('ab', 'c')).toBe(fingerprintOf('ab', 'c'));
    expect(fingerprintOf('x')).toMatch(/^[\w-]{22}$/);
  });
});
