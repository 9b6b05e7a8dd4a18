import fc from 'fast-check';
import { check, columns } from '../../../test/support/checked-csv';

describe('generated code', () => {
  it('finds what the loop finds, whatever the cells hold', () => {
    const rules = {
      ...columns(
        { name: 'a', required: true, type: 'integer', min: 3, minLength: 2, pattern: '\\d*1' },
        { name: 'b', trim: true, type: 'date', max: '2020-01-01', severities: { range: 'info' } },
        { name: 'c', type: 'boolean', private: true },
        { name: 'd', maxLength: 2, required: true, trim: true },
      ),
      emptyValues: ['-'],
      comparisons: [{ left: 'c', operator: '!=', right: 'd' }],
      conditions: [
        { when: [{ column: 'c', operator: 'empty' }], then: [{ column: 'b', operator: 'notEmpty' }] },
      ],
    };
    const cell = fc.constantFrom(
      '',
      '-',
      ' ',
      '1',
      '11',
      '2',
      'x',
      'yes',
      ' 2019-05-05 ',
      '2024-01-01',
      'long',
      '=1',
      '-5',
    );
    const rows = fc.array(fc.array(cell, { minLength: 3, maxLength: 5 }), { maxLength: 20 });
    fc.assert(
      fc.property(rows, (lines) => {
        const csv = `a,b,c,d\n${lines.map((line) => `${line.join(',')}\n`).join('')}`;
        const generated = check(csv, rules);
        const looped = check(csv, rules, false);
        expect([generated.findings, generated.report]).toEqual([looped.findings, looped.report]);
      }),
    );
  });
});
