import fc from 'fast-check';
import { csvReportToJson } from './report-json';
import { FindingCatalog } from './finding-catalog';
import { mapHeader } from './header';
import { RecordScanner } from './record-scanner';
import { RowWriter } from './report-row';
import { RowChecker } from './row-checker';
import { parseRuleSet } from './rule-set';
import { textOf } from './cell-text';
import type { ColumnRuleDto } from './column-rule.dto';

/** Checks a small file and gives its findings as `row rule column`, what would be stored, and the report. */
function check(csv: string, rules?: object, mayGenerateCode = true) {
  const ruleSet = rules === undefined ? undefined : parseRuleSet({ name: 'r', ...rules });
  const catalog = new FindingCatalog();
  const scanner = new RecordScanner({ delimiter: 44 });
  const { offset } = scanner.room();
  const input = Buffer.from(csv);
  scanner.bytes.set(input, offset);
  scanner.filled(input.length);
  scanner.end();
  scanner.next();
  const cells = () =>
    Array.from({ length: scanner.count }, (_, i) =>
      textOf(scanner.bytes, scanner.starts[i]!, scanner.ends[i]!),
    );
  const header = mapHeader(cells(), ruleSet, catalog);
  const checker = new RowChecker(header, ruleSet, catalog, { mayGenerateCode });
  const privateCells = header.ruleCells.filter(
    (cell, i) => cell >= 0 && ruleSet?.columns[i]?.private === true,
  );
  const writer = new RowWriter(header, privateCells, catalog.kinds, {
    delimiter: 44,
    newline: 'lf',
    bom: false,
  });
  const findings: string[] = [];
  const stored: string[] = [];
  const out = new Uint8Array(64 * 1024);
  let report = Buffer.from(writer.headerLine()).toString();
  const say = (row: number, kind: number) => {
    const { rule, column } = catalog.kinds[kind]!;
    findings.push([row, rule, ...(column === null ? [] : [column])].join(' '));
  };
  for (const kind of catalog.ofFile) say(0, kind);
  for (let row = 1; scanner.next(); row++) {
    checker.check(scanner);
    for (const kind of checker.found) say(row, kind);
    stored.push(textOf(out, 0, writer.rebuildStored(scanner, checker, out, 0)));
    const end = writer.rebuildReported(scanner, checker, out, 0);
    report += textOf(out, 0, writer.writeFindings(scanner, checker, out, end));
    // Quotes stay as they are in a row that is copied, and go where they are not needed in one that is rebuilt.
    if (!csv.includes('"') && writer.isPlain(scanner)) {
      const copied = writer.copyPlain(scanner, input.length + 1000);
      expect(textOf(scanner.bytes, input.length + 1000, copied)).toBe(stored.at(-1));
    }
  }
  checker.finish();
  return { findings, stored, report, catalog, header };
}

const columns = (...rules: (Partial<ColumnRuleDto> & { name: string })[]) => ({ columns: rules });

describe('the check of a row', () => {
  it('looks at nothing but the form without a rule set', () => {
    const { findings } = check('a,b\n1,2\n1\n1,2,3\n1,2,,\n,\n"1"x,2\n5"",2\n"1,2\n');
    expect(findings).toEqual([
      '2 too_few_cells',
      '3 too_many_cells',
      '5 empty_row',
      '6 text_after_quote',
      '7 stray_quote',
      '8 unterminated_quote',
    ]);
  });

  it('finds columns under their aliases and says what is wrong with the header line', () => {
    const rules = {
      ...columns(
        { name: 'member id', aliases: ['No.'], required: true },
        { name: 'mail', required: true },
        { name: 'age', columnRequired: true },
      ),
      unknownColumns: 'warning',
    };
    const { findings } = check('Member_ID,NO.,,plan,plan\n1,2,3,4,5\n', rules);
    expect(findings).toEqual([
      '0 empty_column_name',
      '0 duplicate_column plan',
      '0 duplicate_column NO.',
      '0 missing_column mail',
      '0 missing_column age',
      '0 unknown_column plan',
      '0 unknown_column plan',
    ]);
  });

  it('asks for values, knows other spellings of nothing, and trims where it is told to', () => {
    const rules = {
      ...columns({ name: 'a', required: true }, { name: 'b', type: 'integer', trim: true }),
      emptyValues: ['n/a'],
    };
    expect(check('a,b\nx, 5 \n,5\nn/a,5\nx,n/a\nx,\n', rules).findings).toEqual([
      '2 required a',
      '3 required a',
    ]);
    expect(check('a,b\nx, 5\n', columns({ name: 'b', type: 'integer' })).findings).toEqual(['1 integer b']);
  });

  it('asks nothing more of a value that is not of its type', () => {
    const rules = columns({ name: 'a', type: 'integer', min: 5, minLength: 2, pattern: '\\d{9}' });
    expect(check('a\nx\n4\n', rules).findings).toEqual([
      '1 integer a',
      '2 min a',
      '2 min_length a',
      '2 pattern a',
    ]);
  });

  it('gives every kind of rule a weight of its own', () => {
    const rules = columns({
      name: 'a',
      type: 'integer',
      max: 5,
      severity: 'warning',
      severities: { type: 'error', range: 'info' },
    });
    const { catalog } = check('a\nx\n6\n', rules);
    expect(catalog.totals()).toEqual([
      { rule: 'integer', column: 'a', severity: 'error', count: 1 },
      { rule: 'max', column: 'a', severity: 'info', count: 1 },
    ]);
  });

  it('compares columns as numbers, dates and texts, and only when both sides can be', () => {
    const numbers = {
      ...columns({ name: 'a', type: 'integer' }, { name: 'b', type: 'decimal' }),
      comparisons: [{ left: 'a', operator: '<=', right: 'b', name: 'order' }],
    };
    expect(
      check('a,b\n9,10\n10,9.5\n10,\nx,1\n123456789012345678901,123456789012345678900.5\n', numbers).findings,
    ).toEqual(['2 comparison:order a', '4 integer a', '5 comparison:order a']);
    const dates = {
      ...columns({ name: 'a', type: 'date', format: 'DD.MM.YYYY' }, { name: 'b', type: 'date' }),
      comparisons: [{ left: 'a', operator: '<', right: 'b' }],
    };
    expect(check('a,b\n31.12.2023,2024-01-01\n01.01.2024,2024-01-01\n', dates).findings).toEqual([
      '2 comparison a',
    ]);
    const texts = {
      ...columns({ name: 'a' }, { name: 'b' }),
      comparisons: [{ left: 'a', operator: '!=', right: 'b' }],
    };
    expect(check('a,b\nx,y\nä,ä\n', texts).findings).toEqual(['2 comparison a']);
  });

  it('holds rules that are meant for some rows only', () => {
    const rules = {
      ...columns(
        { name: 'status', type: 'enum', values: ['open', 'closed'], ignoreCase: true },
        { name: 'closed_on', type: 'date' },
        { name: 'paid', type: 'boolean' },
        { name: 'sum', type: 'decimal' },
      ),
      conditions: [
        {
          name: 'closing',
          when: [{ column: 'status', operator: '=', value: 'closed' }],
          then: [
            { column: 'closed_on', operator: 'notEmpty' },
            { column: 'closed_on', operator: '>=', value: '2020-01-01' },
          ],
        },
        {
          when: [
            { column: 'paid', operator: '=', value: 'true' },
            { column: 'status', operator: 'notIn', values: ['open'] },
          ],
          then: [{ column: 'sum', operator: '>', value: 0 }],
          severity: 'warning',
        },
        {
          name: 'absent',
          when: [{ column: 'status', operator: 'matches', value: 'o.*' }],
          then: [{ column: 'closed_on', operator: 'empty' }],
        },
      ],
    };
    const { findings, catalog } = check(
      'status,closed_on,paid,sum\nclosed,2024-01-01,no,\nCLOSED,,no,\nclosed,2019-12-31,yes,0\nopen,,yes,0\nopen,2024-01-01,,\nclosed,x,,\n',
      rules,
    );
    expect(findings).toEqual([
      '2 condition:closing closed_on',
      '3 condition:closing closed_on',
      '3 condition sum',
      '5 condition:absent closed_on',
      '6 date closed_on',
    ]);
    const messages = catalog.kinds.map(({ message }) => message);
    expect(messages).toContain('When "status" is closed, "closed_on" must be filled in.');
    expect(messages).toContain('When "status" is closed, "closed_on" must be not before 2020-01-01.');
  });

  it('never shows a private value, also not when a row is shifted', () => {
    const { stored, report } = check(
      'id,iban,note\n1,SECRET1,"a"\n2,SECRET2\n3,"x",SECRET3,y\n4,,z\n5,"SECRET4"x,y\n',
      columns({ name: 'iban', private: true, pattern: 'DE\\d+' }),
    );
    expect(report).not.toContain('SECRET');
    expect(stored).toEqual(['1,•••,a', '•••,•••', '•••,•••,•••,•••', '4,,z', '•••,•••,•••']);
  });
});

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
