import { compileColumn } from './cell-checks';
import { bytesOf } from './cell-text';
import type { ColumnRuleDto } from './column-rule.dto';
import { FindingCatalog } from './finding-catalog';

/** The rules that a value breaks. */
function broken(column: Partial<ColumnRuleDto>, value: string): string[] {
  const catalog = new FindingCatalog();
  const checks = compileColumn({ name: 'c', ...column }, 'c', 0, catalog);
  // Other bytes around the cell, which no check may look at.
  const bytes = bytesOf(`7${value}7`);
  const kinds = [checks.type, ...checks.others].map((check) => check?.(bytes, 1, bytes.length - 1) ?? 0);
  return kinds.filter((kind) => kind !== 0).map((kind) => catalog.kinds[kind]!.rule);
}

const right = (column: Partial<ColumnRuleDto>, ...values: string[]) =>
  values.forEach((value) => expect([value, broken(column, value)]).toEqual([value, []]));
const wrong = (column: Partial<ColumnRuleDto>, rule: string, ...values: string[]) =>
  values.forEach((value) => expect([value, broken(column, value)]).toEqual([value, [rule]]));

describe('the checks of a cell', () => {
  it('know whole numbers', () => {
    right({ type: 'integer' }, '0', '-7', '+12', '007', '123456789012345678901234567890');
    wrong({ type: 'integer' }, 'integer', '1.5', '1e3', ' 1', '1 ', '-', '', '1,000', '0x1', '１');
    wrong({ type: 'integer', min: 5 }, 'min', '4', '-99999999999999999999');
    wrong({ type: 'integer', max: '9007199254740993' }, 'max', '9007199254740994');
    right({ type: 'integer', max: '9007199254740993' }, '9007199254740993');
  });

  it('know decimal numbers with precision and scale', () => {
    right({ type: 'decimal' }, '0.5', '-12.50', '1', '0.1234567890123456789');
    wrong({ type: 'decimal' }, 'decimal', '.5', '5.', '1.2.3', '1,5', 'NaN', '1 000');
    right({ type: 'decimal', decimalSeparator: ',' }, '1,5', '-0,25');
    wrong({ type: 'decimal', decimalSeparator: ',' }, 'decimal', '1.5');
    right({ type: 'decimal', precision: 5, scale: 2 }, '999.99', '0.05', '000123.40');
    wrong({ type: 'decimal', precision: 5, scale: 2 }, 'precision', '1000', '1.234');
    wrong({ type: 'decimal', precision: 3 }, 'precision', '12.34');
    right({ type: 'decimal', min: '0.1', max: '0.3' }, '0.1', '0.3', '0.30000');
    wrong({ type: 'decimal', min: '0.1', max: '0.3' }, 'max', '0.30000000000000000001', '4.2');
    wrong(
      { type: 'decimal', min: '-1.5', decimalSeparator: ',' },
      'min',
      '-1,51',
      '-1,5000000000000000000001',
    );
  });

  it('know dates that exist, in the format that was asked for', () => {
    right({ type: 'date' }, '2024-02-29', '1999-12-31');
    wrong(
      { type: 'date' },
      'date',
      '2023-02-29',
      '2024-13-01',
      '2024-00-10',
      '2024-1-1',
      '0000-01-01',
      '2024-02-29 ',
      '20240229',
    );
    right({ type: 'date', format: 'D.M.YYYY' }, '1.2.2024', '31.12.2024');
    wrong({ type: 'date', format: 'D.M.YYYY' }, 'date', '31.11.2024', '1.2.24', '001.2.2024');
    right({ type: 'date', format: 'YYYYMMDD' }, '20240229');
    right(
      { type: 'date', format: 'YYYY-MM-DDTHH:mm:ssZ' },
      '2024-02-29T23:59:59Z',
      '2024-02-29T23:59:59+02:00',
    );
    wrong(
      { type: 'date', format: 'YYYY-MM-DDTHH:mm:ssZ' },
      'date',
      '2024-02-29T24:00:00Z',
      '2024-02-29T23:59:59',
    );
    right({ type: 'date', format: 'DD/MM/YYYY HH:mm' }, '29/02/2024 23:59');
    wrong({ type: 'date', format: 'DD/MM/YYYY HH:mm' }, 'date', '29/02/2024 23:60');
    wrong({ type: 'date', format: 'DD.MM.YYYY', min: '2000-01-01' }, 'min', '31.12.1999');
    right({ type: 'date', min: '2000-01-01', max: '2000-12-31' }, '2000-01-01', '2000-12-31');
    wrong({ type: 'date', max: '2000-12-31' }, 'max', '2001-01-01');
  });

  it('know e-mail addresses', () => {
    right(
      { type: 'email' },
      'a@b.co',
      'first.last+tag@sub.example.com',
      "o'neil@example.org",
      'jürgen@müller.example',
      'a@1and1.com',
      'a@b-c.d1.io',
      `${'a'.repeat(64)}@example.com`,
    );
    wrong(
      { type: 'email' },
      'email',
      'a',
      'a@',
      '@b.co',
      'a@b',
      'a@b.c',
      'a..b@c.de',
      '.a@c.de',
      'a.@c.de',
      'a@.de',
      'a@b..de',
      'a@-b.de',
      'a@b-.de',
      'a@b.1',
      'a b@c.de',
      'a@b@c.de',
      'a@b.de.',
      `${'a'.repeat(65)}@example.com`,
      `a@${'b'.repeat(64)}.example.com`,
    );
  });

  it('know web addresses, UUIDs and phone numbers', () => {
    right(
      { type: 'url' },
      'https://example.com',
      'HTTP://localhost:3000/a?b=c#d',
      'https://[::1]:8443/',
      'https://münchen.example/ä',
    );
    wrong(
      { type: 'url' },
      'url',
      'example.com',
      'ftp://example.com',
      'http://',
      'https://a b.com',
      'https://a.com/x y',
      'https://a.com:0/',
      'https://a.com:99999/',
      'https://user:pw@a.com',
      'https:///x',
      'https://-a.com',
    );
    right({ type: 'uuid' }, '123e4567-e89b-12d3-a456-426614174000', '123E4567-E89B-12D3-A456-426614174000');
    wrong(
      { type: 'uuid' },
      'uuid',
      '123e4567e89b12d3a456426614174000',
      '123e4567-e89b-12d3-a456-42661417400g',
    );
    right({ type: 'phone' }, '+49 30 1234567', '(030) 123-4567', '0301234567', '+1.555.010.9999');
    wrong(
      { type: 'phone' },
      'phone',
      '12345',
      '+49 30 12x4567',
      '1234567890123456',
      '030--123456',
      '(030 1234567',
      '030 1234567-',
      '1+234567',
    );
  });

  it('know spellings of yes and no, and lists of values', () => {
    right({ type: 'boolean' }, 'true', 'No', 'Y', '0');
    wrong({ type: 'boolean' }, 'boolean', 'maybe', '2', 'truee');
    right({ type: 'boolean', trueValues: ['ja'], falseValues: ['nein'] }, 'JA', 'nein');
    wrong({ type: 'boolean', trueValues: ['ja'], falseValues: ['nein'] }, 'boolean', 'yes');
    right({ type: 'enum', values: ['basic', 'plus', 'Größe'] }, 'basic', 'Größe');
    wrong({ type: 'enum', values: ['basic', 'plus'] }, 'enum', 'Basic', 'basi', 'plu', 'basic ');
    right({ type: 'enum', values: ['Basic', 'GRÖSSE'], ignoreCase: true }, 'bASIC', 'grösse');
    const codes = Array.from({ length: 1000 }, (_, i) => `code-${i}`);
    right({ type: 'enum', values: codes }, 'code-0', 'code-999');
    wrong({ type: 'enum', values: codes }, 'enum', 'code-1000', 'code-01');
  });

  it('count characters, not bytes', () => {
    right({ minLength: 2, maxLength: 3 }, 'äöü', '😀😀', 'ab');
    wrong({ minLength: 2 }, 'min_length', 'ä', '😀');
    wrong({ maxLength: 3 }, 'max_length', 'äöüß', 'abcd');
  });
});
