import { check, columns } from '../../../test/support/checked-csv';
import { csvReportToJson } from './report-json';

describe('the report', () => {
  it('is the original row with two columns of findings, formulas guarded', () => {
    const { report } = check(
      'id,"a ""b""",=x\n1,"2,5",-7\n2,x,=1+1\n3\n4,b,c,d\n',
      columns(
        { name: 'id', type: 'integer', max: 1, severities: { range: 'info' } },
        { name: 'a "b"', maxLength: 1, severity: 'warning' },
      ),
    );
    expect(report.split('\n')).toEqual([
      `id,"a ""b""",'=x,_errors,_warnings`,
      '1,"2,5",-7,,"[max_length] a ""b"": Must have 1 characters or fewer."',
      `2,x,"'=1+1",,"(info) [max] id: Must be 1 or less."`,
      '3,,,"[too_few_cells] The row has fewer cells than the header line, which has 3; add what is missing.",',
      '4,b,c,"[too_many_cells] The row has more cells than the header line, which has 3; put quotes around a cell that holds the delimiter.",,d',
      '',
    ]);
  });

  it('can be uploaded again: its own columns and guards are no part of the file', () => {
    const rules = columns(
      { name: 'id', type: 'integer' },
      { name: 'pin', private: true, required: true, pattern: '\\d{4}' },
    );
    const first = check(`id,pin,t\n1,1234,=1\nx,12,'-a\n`, rules);
    expect(first.findings).toEqual(['2 integer id', '2 pattern pin']);
    const second = check(first.report.replace('x,', '2,'), rules);
    expect(second.findings).toEqual([]);
    expect(second.header.names).toEqual(['id', 'pin', 't']);
    expect(second.stored).toEqual(['1,•••,=1', `2,•••,'-a`]);
    expect(second.catalog.totals()).toEqual([
      { rule: 'masked_value', column: 'pin', severity: 'warning', count: 1 },
    ]);
    expect(second.report.split('\n').slice(1, 3)).toEqual([`1,•••,"'=1",,`, `2,•••,"''-a",,`]);
  });

  it('becomes JSON piece by piece, in whatever pieces it comes', async () => {
    const { report } = check(
      'id,"a: b",id\n1,=x,\nx,"l1\nl2",9\n',
      columns({ name: 'id', type: 'integer' }, { name: 'a: b', pattern: 'z' }),
    );
    const bytes = Buffer.from(report);
    for (const size of [1, 7, 10_000]) {
      const pieces: string[] = [];
      const chunks = async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      for await (const piece of csvReportToJson(chunks())) pieces.push(piece);
      expect(JSON.parse(pieces.join(''))).toEqual([
        {
          row: 1,
          values: { id: '1', 'a: b': '=x', 'id (column 3)': '' },
          errors: [{ rule: 'pattern', column: 'a: b', message: 'Must be like this: the pattern z.' }],
          warnings: [],
        },
        {
          row: 2,
          values: { id: 'x', 'a: b': 'l1\nl2', 'id (column 3)': '9' },
          errors: [
            { rule: 'integer', column: 'id', message: 'Write a whole number: digits only, such as 42.' },
            { rule: 'pattern', column: 'a: b', message: 'Must be like this: the pattern z.' },
          ],
          warnings: [],
        },
      ]);
    }
  });

  it('becomes an empty list when the file had no rows', async () => {
    const pieces: string[] = [];
    const chunks = async function* () {
      yield Buffer.from('a,_errors,_warnings\n');
    };
    for await (const piece of csvReportToJson(chunks())) pieces.push(piece);
    expect(JSON.parse(pieces.join(''))).toEqual([]);
  });
});
