import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { parseRuleSet, type RuleSet } from '../../../src/integrations/csv/rule-set';
import { migrate } from '../../../src/platform/database/migrations';
import { UnreadableFileError } from '../../../src/integrations/csv/unreadable-file';
import { executeValidationPass } from '../../../src/workloads/validation/csv-validation/validation-pass-body';
import type {
  ValidationPassInput,
  ValidationPassProgress,
} from '../../../src/workloads/validation/csv-validation/validation-pass-contract';
import { StaleAttemptError } from '../../../src/workloads/validation/csv-validation/validation-pass-store';
import { ValidationThreads } from '../../../src/workloads/validation/csv-validation/validation-threads';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';

const rules = parseRuleSet({
  name: 'people',
  columns: [
    { name: 'id', required: true, unique: true },
    { name: 'name', required: true },
    { name: 'pin', private: true, pattern: '\\d{4}', unique: true, severities: { unique: 'warning' } },
    { name: 'age', type: 'integer', min: 0, max: 150 },
  ],
  unique: [{ name: 'person', columns: ['name', 'age'], ignoreCase: true, severity: 'info' }],
});

describe('a validation pass', () => {
  let database: TestDatabase;
  let client: Client;
  let folder: string;
  const threads = new ValidationThreads();

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url, [
      { name: 'validation', folder: join(__dirname, '../../../src/workloads/validation/migrations') },
    ]);
    client = new Client({ connectionString: database.url });
    await client.connect();
    folder = mkdtempSync(join(tmpdir(), 'holdfast-pass-'));
  });

  afterAll(async () => {
    await threads.close();
    await client.end();
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  afterEach(() => {
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
  });

  /** A run that is being processed, and the input of its pass. */
  async function prepare(
    csv: Uint8Array | string,
    more: Partial<ValidationPassInput> = {},
  ): Promise<ValidationPassInput> {
    const runId = randomUUID();
    await client.query(
      `INSERT INTO validation_runs (id, file_id, file_name, status, attempt) VALUES ($1, $1, 'a.csv', 'processing', 1)`,
      [runId],
    );
    const uploadPath = join(folder, `${runId}.csv`);
    writeFileSync(uploadPath, csv);
    return {
      runId,
      attempt: 1,
      uploadPath,
      reportPath: join(folder, `${runId}.1.csv`),
      database: { connectionString: database.url },
      maxStoredFindings: 1000,
      ...more,
    };
  }

  const run = (input: ValidationPassInput, progress: ValidationPassProgress[] = []) =>
    executeValidationPass(input, (step) => progress.push(step));
  const rowsOf = async (runId: string) =>
    (
      await client.query('SELECT row_number, record FROM validation_rows WHERE run_id = $1 ORDER BY 1', [
        runId,
      ])
    ).rows;
  const findingsOf = async (runId: string) =>
    (
      await client.query<
        Record<'row_number' | 'column_name' | 'rule' | 'severity' | 'message' | 'value', unknown>
      >('SELECT * FROM validation_findings WHERE run_id = $1 ORDER BY ordinal', [runId])
    ).rows;
  const runOf = async (runId: string) =>
    (await client.query('SELECT * FROM validation_runs WHERE id = $1', [runId])).rows[0];
  const leftovers = () => readdirSync(folder).filter((name) => /\.(draft|part|keys)$/.test(name));

  it('stores rows, findings, report and result as one', async () => {
    const input = await prepare('id,name,pin,age\n1,Ann,1234,30\n2,,12x,200\n1,ann,1234,30\n3,=Bob,5555,\n', {
      ruleSet: rules,
    });
    const progress: ValidationPassProgress[] = [];
    const result = await run(input, progress);
    expect(result).toMatchObject({
      rows: { read: 4, valid: 2, invalid: 2 },
      dialect: { encoding: 'utf-8', delimiter: ',', newline: 'lf', bom: false },
      columns: ['id', 'name', 'pin', 'age'],
      findingsStored: 6,
    });
    expect(
      (await findingsOf(input.runId)).map((row) => [row.row_number, row.rule, row.severity, row.value]),
    ).toEqual([
      [2, 'required', 'error', null],
      [2, 'pattern', 'error', '•••'],
      [2, 'max', 'error', '200'],
      [3, 'unique', 'error', '1'],
      [3, 'unique', 'warning', '•••'],
      [3, 'unique:person', 'info', 'ann'],
    ]);
    expect((await findingsOf(input.runId))[3]?.message).toBe(
      'Row 1 has the same value; no two rows may share one.',
    );
    expect(await rowsOf(input.runId)).toEqual([
      { row_number: 1, record: '1,Ann,•••,30' },
      { row_number: 2, record: '2,,•••,200' },
      { row_number: 3, record: '1,ann,•••,30' },
      { row_number: 4, record: '3,=Bob,•••,' },
    ]);
    expect(readFileSync(input.reportPath, 'utf8').split('\n')).toEqual([
      'id,name,pin,age,_errors,_warnings',
      '1,Ann,•••,30,,',
      '2,,•••,200,"[required] name: Every row needs a value here; fill it in. | [pattern] pin: Must be like this: the pattern \\d{4}. | [max] age: Must be 150 or less.",',
      '1,ann,•••,30,"[unique] id: Row 1 has the same value; no two rows may share one.","[unique] pin: Row 1 has the same value; no two rows may share one. | (info) [unique:person] name: Row 1 has the same ""name"", ""age""; no two rows may agree in all of them."',
      `3,"'=Bob",•••,,,`,
      '',
    ]);
    expect(await runOf(input.runId)).toMatchObject({
      status: 'completed',
      progress: '100.00',
      rows_read: 4,
      rows_valid: 2,
      rows_invalid: 2,
      findings_stored: 6,
      findings_so_far: '6',
      summary: result.findingCounts,
      dialect: result.dialect,
      columns: result.columns,
      report_bytes: String(readFileSync(input.reportPath).length),
    });
    const percents = progress.map(({ percent }) => percent);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(leftovers()).toEqual([]);
  });

  it('checks the form alone without a rule set', async () => {
    const input = await prepare(Buffer.from('\uFEFFa;b;a\r\n1;2;3\r\n1;2\r\n\r\n"x\r\ny";2;3\r\n', 'utf8'));
    const result = await run(input);
    expect(result.dialect).toEqual({ encoding: 'utf-8', delimiter: ';', newline: 'crlf', bom: true });
    expect(result.findingCounts.map(({ rule, count }) => [rule, count])).toEqual([
      ['blank_lines', 1],
      ['duplicate_column', 1],
      ['too_few_cells', 1],
    ]);
    expect(readFileSync(input.reportPath, 'utf8')).toMatch(
      /^\uFEFFa;b;a;_errors;_warnings\r\n1;2;3;;\r\n1;2;;"\[too_few_cells\]/,
    );
  });

  it('finds every duplicate of a large file exactly once, wherever it stands', async () => {
    const ids = Array.from({ length: 30_000 }, (_, i) => (i % 1000 === 999 ? i - 500 : i));
    ids[29_999] = 0;
    const csv = `id,name,pin,age\n${ids.map((id, i) => `${id},n${i},${String(i % 10_000).padStart(4, '0')},\n`).join('')}`;
    const input = await prepare(csv, { ruleSet: rules, maxStoredFindings: 100 });
    const result = await run(input);
    const counts = Object.fromEntries(
      result.findingCounts.map(({ rule, column, count }) => [`${rule} ${column}`, count]),
    );
    expect(counts).toEqual({ 'unique id': 30, 'unique pin': 20_000 });
    expect(result.rows).toEqual({ read: 30_000, valid: 29_970, invalid: 30 });
    expect(result.findingsStored).toBeLessThanOrEqual(100);
    // A flood of one kind leaves room for the others.
    const stored = (await findingsOf(input.runId)).filter((row) => row.column_name === 'id');
    expect(stored.length).toBeGreaterThanOrEqual(20);
    const report = readFileSync(input.reportPath, 'utf8').split('\n');
    expect(report.filter((line) => line.includes('[unique] id'))).toHaveLength(30);
    expect(report[30_000]).toContain('Row 1 has the same value');
    expect(report.filter((line) => line.includes('[unique] pin'))).toHaveLength(20_000);
    expect(report).toHaveLength(30_002);
  });

  it('leaves nothing of an attempt that is not the newest', async () => {
    const input = await prepare('id,name\n1,a\n', { ruleSet: rules });
    await client.query('UPDATE validation_runs SET attempt = 2 WHERE id = $1', [input.runId]);
    await expect(run(input)).rejects.toBeInstanceOf(StaleAttemptError);
    expect(existsSync(input.reportPath)).toBe(false);
    expect(leftovers()).toEqual([]);
    const second = { ...input, attempt: 2 };
    await run(second);
    await expect(run(second)).rejects.toBeInstanceOf(StaleAttemptError);
    expect(await rowsOf(input.runId)).toHaveLength(1);
  });

  it.each([
    ['an empty file', '', undefined, 'empty_file'],
    ['a file of empty lines', '\n\n\n', undefined, 'empty_file'],
    ['a workbook', Buffer.from('504b030414000600', 'hex'), undefined, 'binary_file'],
    ['a file without a header line', '1,Ann\n2,Bob\n', rules, 'header_unrecognised'],
    ['too many columns', `${'a,'.repeat(3000)}b\n`, undefined, 'too_many_columns'],
    ['an endless record', `a,b\n${'x'.repeat(1_500_000)}`, undefined, 'record_too_long'],
  ])('gives a clear answer for %s', async (_, csv, ruleSet, code) => {
    const input = await prepare(csv, ruleSet === undefined ? {} : { ruleSet });
    await expect(run(input)).rejects.toMatchObject({ name: 'UnreadableFileError', code });
    expect(await rowsOf(input.runId)).toEqual([]);
    expect(leftovers()).toEqual([]);
  });

  it('completes with a warning when there is nothing but a header line', async () => {
    const input = await prepare('id,name');
    const result = await run(input);
    expect(result.rows).toEqual({ read: 0, valid: 0, invalid: 0 });
    expect(result.findingCounts).toEqual([{ rule: 'no_rows', column: null, severity: 'warning', count: 1 }]);
    expect(readFileSync(input.reportPath, 'utf8')).toBe('id,name,_errors,_warnings\n');
  });

  it('stores what PostgreSQL would refuse in a form that it takes', async () => {
    const damaged = Buffer.concat([
      Buffer.from('id,name\n1,é漢é漢\n2,'),
      Buffer.from([0xff, 0x00]),
      Buffer.from('\n3,\\N\n4,"a\tb"\n'),
    ]);
    const input = await prepare(damaged);
    const result = await run(input);
    expect(result.findingCounts.map(({ rule }) => rule)).toEqual(['invalid_encoding', 'nul_byte']);
    expect((await rowsOf(input.runId)).map(({ record }) => record)).toEqual([
      '1,é漢é漢',
      '2,\uFFFD\x1a',
      '3,\\N',
      '4,"a\tb"',
    ]);
  });

  it('takes records of nearly a megabyte, and rows with formulas everywhere', async () => {
    const big = '"='.concat('""'.repeat(400_000), '"');
    const input = await prepare(`id,name\n1,${big}\n2,${big}\n3,-\n`);
    const result = await run(input);
    expect(result.rows).toEqual({ read: 3, valid: 3, invalid: 0 });
    expect((await rowsOf(input.runId)).map(({ record }) => (record as string).length)).toEqual([
      800_005, 800_005, 3,
    ]);
    expect(readFileSync(input.reportPath, 'utf8')).toContain(`3,"'-",,`);
  });

  it('says nothing of a file in its errors, even when the database refuses the rows', async () => {
    const input = await prepare('id,name\nsecret-1,a\n');
    await client.query(
      `ALTER TABLE validation_rows ADD CONSTRAINT no_secrets CHECK (record NOT LIKE 'secret%')`,
    );
    try {
      const error = await threads
        .run(input, {
          onProgress: () => undefined,
          signal: new AbortController().signal,
        })
        .then(
          () => undefined,
          (reason: Error & { code?: string }) => reason,
        );
      expect(error).toMatchObject({ name: 'ValidationStoreError', code: '23514' });
      expect(`${error?.message} ${error?.stack}`).not.toContain('secret-1');
    } finally {
      await client.query('ALTER TABLE validation_rows DROP CONSTRAINT no_secrets');
    }
  });

  describe('in its thread', () => {
    const hooks = (signal = new AbortController().signal) => ({ onProgress: () => undefined, signal });
    const manyRows = (count: number) =>
      `id,name,pin,age\n${Array.from({ length: count }, (_, i) => `${i},person ${i},,${i % 90}\n`).join('')}`;
    const structured = (ruleSet: RuleSet) => structuredClone(ruleSet);

    it('does the same as in ours', async () => {
      const input = await prepare(manyRows(1000), { ruleSet: structured(rules) });
      const progress: ValidationPassProgress[] = [];
      const result = await threads.run(input, {
        ...hooks(),
        onProgress: (step) => progress.push(step),
      });
      expect(result.rows).toEqual({ read: 1000, valid: 1000, invalid: 0 });
      expect(progress.at(-1)).toMatchObject({ stage: 'results', percent: 90, rowsRead: 1000 });
      expect((await runOf(input.runId)).status).toBe('completed');
    });

    it('stays for the next file, whatever that is, and not after a failure', async () => {
      const csv = 'id;name\r\n1;Zo\u00eb\r\n2;\r\n';
      const inputs = [
        await prepare(manyRows(10), { ruleSet: structured(rules) }),
        await prepare(Buffer.from(csv, 'latin1')),
        await prepare(manyRows(10).replace('3,person', '4,person'), { ruleSet: structured(rules) }),
      ];
      const results = [];
      for (const input of inputs) {
        results.push(await threads.run(input, hooks()));
        expect(threads.waiting).toBe(1);
      }
      expect(results.map(({ rows }) => [rows.read, rows.invalid])).toEqual([
        [10, 0],
        [2, 0],
        [10, 1],
      ]);
      expect(await rowsOf(inputs[1]!.runId)).toEqual([
        { row_number: 1, record: '1;Zo\u00eb' },
        { row_number: 2, record: '2;' },
      ]);
      await expect(threads.run(await prepare(''), hooks())).rejects.toBeInstanceOf(UnreadableFileError);
      expect(threads.waiting).toBe(0);
    });

    it('keeps its errors apart', async () => {
      await expect(threads.run(await prepare(''), hooks())).rejects.toBeInstanceOf(UnreadableFileError);
      const stale = await prepare('a\n1\n', { attempt: 7 });
      await expect(threads.run(stale, hooks())).rejects.toBeInstanceOf(StaleAttemptError);
      const away = await prepare('a\n1\n', {
        database: { connectionString: 'postgres://nobody@127.0.0.1:1/none' },
      });
      await expect(threads.run(away, hooks())).rejects.toMatchObject({
        name: 'DatabaseUnavailableError',
      });
    });

    it('leaves no trace when it is stopped', async () => {
      const input = await prepare(manyRows(200_000), { ruleSet: structured(rules) });
      const stop = new AbortController();
      const reason = new Error('enough');
      const running = threads.run(input, {
        signal: stop.signal,
        onProgress: ({ rowsRead }) => rowsRead > 0 && stop.abort(reason),
      });
      await expect(running).rejects.toBe(reason);
      expect(readdirSync(folder)).toEqual([`${input.runId}.csv`]);
      await eventually(async () => {
        const { rows } = await client.query(
          `SELECT 1 FROM pg_stat_activity WHERE application_name = 'holdfast-validation' AND datname = current_database()`,
        );
        expect(rows).toEqual([]);
      });
      expect(await rowsOf(input.runId)).toEqual([]);
      expect((await runOf(input.runId)).status).toBe('processing');
      await expect(threads.run(input, hooks(AbortSignal.abort(reason)))).rejects.toBe(reason);
    });

    it('is over when its connection is cut, and the next attempt stores every row once', async () => {
      const input = await prepare(manyRows(100_000), { ruleSet: structured(rules) });
      const running = threads.run(input, hooks());
      const failed = expect(running).rejects.toMatchObject({ name: 'DatabaseUnavailableError' });
      await eventually(async () => {
        const { rowCount } = await client.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holdfast-validation' AND query LIKE 'COPY validation_rows%'`,
        );
        expect(rowCount).toBe(1);
      });
      await failed;
      await threads.run(input, hooks());
      const { rows } = await client.query(
        'SELECT count(*)::int AS rows, count(DISTINCT row_number)::int AS numbers FROM validation_rows WHERE run_id = $1',
        [input.runId],
      );
      expect(rows).toEqual([{ rows: 100_000, numbers: 100_000 }]);
    });
  });
});
