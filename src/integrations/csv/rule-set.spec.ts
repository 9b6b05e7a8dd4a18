import { parseRuleSet, RuleSetError } from './rule-set';
import type { RuleProblem } from './rule-problem';

const problemsOf = (input: unknown): RuleProblem[] => {
  try {
    parseRuleSet(input);
    return [];
  } catch (error) {
    if (error instanceof RuleSetError) return error.errors;
    throw error;
  }
};
const withColumn = (column: object, rest: object = {}) => ({
  name: 'r',
  columns: [{ name: 'a', ...column }],
  ...rest,
});

describe('parseRuleSet', () => {
  it('gives back a complete rule set as plain data', () => {
    const input = {
      name: 'members',
      delimiter: ';',
      columns: [
        {
          name: 'id',
          aliases: ['Member No.'],
          required: true,
          unique: true,
          pattern: 'M\\d{6}',
          patternHint: 'M104233',
        },
        { name: 'born', type: 'date', format: 'DD.MM.YYYY', min: '1900-01-01', private: true },
        { name: 'joined', type: 'date', format: 'DD.MM.YYYY', severities: { type: 'warning' } },
        { name: 'plan', type: 'enum', values: ['basic', 'plus'], ignoreCase: true },
        { name: 'fee', type: 'decimal', precision: 8, scale: 2, min: '0.05', max: 100 },
      ],
      unique: [{ columns: ['born', 'plan'], severity: 'warning' }],
      comparisons: [{ left: 'born', operator: '<', right: 'joined' }],
      conditions: [
        {
          name: 'plus-pays',
          when: [{ column: 'plan', operator: '=', value: 'plus' }],
          then: [{ column: 'fee', operator: '>', value: 0 }],
        },
      ],
    };
    const ruleSet = parseRuleSet(input);
    expect(ruleSet).toEqual(input);
    expect(JSON.parse(JSON.stringify(ruleSet))).toEqual(input);
    expect(Object.getPrototypeOf(ruleSet)).toBe(Object.prototype);
  });

  it.each([
    ['a wrong type', withColumn({ type: 'number' }), '/columns/0/type', 'is_in'],
    ['an unknown field', withColumn({ regex: 'a' }), '/columns/0/regex', 'unknown_field'],
    ['null for a field', withColumn({ minLength: null }), '/columns/0/minLength', 'max'],
    ['a pattern with look-around', withColumn({ pattern: '(?=a)' }), '/columns/0/pattern', 'pattern_invalid'],
    [
      'a pattern that explodes',
      withColumn({ pattern: '((a{90}){90}){9}' }),
      '/columns/0/pattern',
      'pattern_invalid',
    ],
    [
      'a format without a year',
      withColumn({ type: 'date', format: 'DD.MM.' }),
      '/columns/0/format',
      'format_invalid',
    ],
    [
      'limits that cross',
      withColumn({ type: 'integer', min: 5, max: 4 }),
      '/columns/0/min',
      'limits_crossed',
    ],
    [
      'dates that cross',
      withColumn({ type: 'date', min: '2020-01-02', max: '2020-01-01' }),
      '/columns/0/min',
      'limits_crossed',
    ],
    [
      'a limit that is no number',
      withColumn({ type: 'integer', min: 'x' }),
      '/columns/0/min',
      'limit_invalid',
    ],
    [
      'an option of another type',
      withColumn({ type: 'email', scale: 2 }),
      '/columns/0/scale',
      'option_not_for_type',
    ],
    ['an enum without values', withColumn({ type: 'enum' }), '/columns/0/values', 'values_missing'],
    [
      'an alias of another column',
      { name: 'r', columns: [{ name: 'first name' }, { name: 'b', aliases: ['First_Name'] }] },
      '/columns/1/aliases/0',
      'duplicate_column',
    ],
    [
      'a key over a missing column',
      withColumn({}, { unique: [{ columns: ['b'] }] }),
      '/unique/0/columns/0',
      'unknown_column',
    ],
    [
      'a comparison of unlike types',
      {
        name: 'r',
        columns: [{ name: 'a' }, { name: 'b', type: 'date' }],
        comparisons: [{ left: 'a', operator: '<', right: 'b' }],
      },
      '/comparisons/0',
      'types_differ',
    ],
    [
      'a test without its value',
      withColumn(
        {},
        {
          conditions: [
            { when: [{ column: 'a', operator: '=' }], then: [{ column: 'a', operator: 'empty' }] },
          ],
        },
      ),
      '/conditions/0/when/0/value',
      'operand_missing',
    ],
    ['no columns', { name: 'r', columns: [] }, '/columns', 'array_min_size'],
    ['an array', [], '', 'not_an_object'],
  ])('points at %s', (_, input, pointer, code) => {
    expect(problemsOf(input)).toEqual([expect.objectContaining({ pointer, code })]);
  });

  it('refuses deep, large and poisoned input before any library recurses into it', () => {
    let deep: object = {};
    for (let i = 0; i < 10_000; i++) deep = { a: deep };
    expect(problemsOf({ name: 'r', columns: [deep] })[0]?.code).toBe('too_deep');
    expect(problemsOf({ name: 'r', columns: new Array(60_000).fill(1) })[0]?.code).toBe('too_large');
    expect(problemsOf(JSON.parse('{"name":"r","columns":[{"name":"a","__proto__":{}}]}'))[0]?.code).toBe(
      'unknown_field',
    );
  });

  it('never lists more than fifty problems', () => {
    const columns = Array.from({ length: 400 }, () => ({ name: 5 }));
    expect(problemsOf({ name: 'r', columns })).toHaveLength(50);
  });

  it.each([
    { name: 'a', columns: [[{ name: 'a' }]] },
    { name: 'a', columns: [{ name: 'a', severities: [{ type: 'info' }] }] },
  ])('refuses a list where an object belongs', (input) => {
    expect(() => parseRuleSet(input)).toThrow(RuleSetError);
  });

  it('gives up on patterns that take long to prepare, instead of letting everybody wait', () => {
    const costly = (index: number) => `(?i)(\\p{L}\\p{N}){30}${'\\p{L}'.repeat(80)}x{${index % 90}}`;
    const columns = Array.from({ length: 500 }, (_, index) => ({
      name: `c${index}`,
      pattern: costly(index),
    }));
    const startedAt = performance.now();
    expect(() => parseRuleSet({ name: 'costly', columns })).toThrow(/take too long to prepare/);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});
