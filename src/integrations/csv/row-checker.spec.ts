import { check, columns } from '../../../test/support/checked-csv';

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
