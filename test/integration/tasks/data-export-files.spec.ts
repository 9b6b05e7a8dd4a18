import type { TestingModule } from '@nestjs/testing';
import { sql } from 'drizzle-orm';
import { unzipSync } from 'fflate';
import { SaxesParser } from 'saxes';
import { readReport } from '../../../src/integrations/csv/report-json';
import { Database } from '../../../src/platform/database/database.service';
import { WorkerRunner } from '../../../src/platform/worker/worker-runner.service';
import { exported, ExportScene, fillLedger } from './data-export-scene';

const formulas = [
  '=1+1',
  '+SUM(A1)',
  '-2+3',
  '@cmd',
  '\t=1',
  '\r=1',
  "'=1",
  "''=1",
  "=cmd|' /C calc'!A0",
  '=HYPERLINK("http://x.example/","y")',
  '-1-1',
  '+1e3',
  '=',
  '-',
  '+.',
  '-1.2.3',
];
const numberTexts = ['-1', '+1', '-1.5', '+1,5', '-.5', '-5.', '0', '12'];
const others = [
  '',
  ' =1',
  "'",
  "'quoted'",
  'two\nlines',
  'two\r\nlines',
  'comma, "quote"',
  'ümläut 🦊',
  '<a> & <b>',
  '_x0041_',
  '\u0001bell',
  '\\.',
  '\\n',
  'x\ty',
];
const texts = [...formulas, ...numberTexts, ...others];
const startsFormula = (text: string) => /^[=+\-@\t\r]/.test(text);

async function rowsOfCsv(bytes: Buffer): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const batch of readReport(
    (async function* () {
      yield bytes;
    })(),
  )) {
    rows.push(...batch.map(({ values }) => values as unknown as Record<string, unknown>));
  }
  return rows;
}

interface XlsxCell {
  readonly type: string;
  readonly style: string;
  value: string;
}

/** Reads the sheets with a zip and an XML reader that the writer does not know; malformed XML throws. */
function sheetsOf(bytes: Buffer): XlsxCell[][][] {
  const parts = unzipSync(bytes);
  for (const name of Object.keys(parts)) parse(parts[name]!, () => undefined);
  const sheets: XlsxCell[][][] = [];
  for (let number = 1; parts[`xl/worksheets/sheet${number}.xml`] !== undefined; number += 1) {
    const rows: XlsxCell[][] = [];
    let cell: XlsxCell | undefined;
    parse(parts[`xl/worksheets/sheet${number}.xml`]!, (event, name, attributes) => {
      if (event === 'open' && name === 'f') throw new Error('A formula.');
      if (event === 'open' && name === 'row') rows.push([]);
      if (event === 'open' && name === 'c') {
        cell = { type: attributes['t'] ?? 'n', style: attributes['s'] ?? '0', value: '' };
        rows.at(-1)![columnOf(attributes['r'] ?? '')] = cell;
      }
      if (event === 'close' && name === 'c') cell = undefined;
      if (event === 'text' && cell !== undefined) cell.value += name;
    });
    sheets.push(rows);
  }
  return sheets;
}

function parse(
  xml: Uint8Array,
  tell: (event: 'open' | 'close' | 'text', name: string, attributes: Record<string, string>) => void,
): void {
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => tell('open', name, attributes as Record<string, string>));
  parser.on('closetag', ({ name }) => tell('close', name, {}));
  parser.on('text', (text) => tell('text', text, {}));
  parser.write(Buffer.from(xml).toString('utf8')).close();
}

function columnOf(reference: string): number {
  return (
    [...reference.replace(/\d+$/, '')].reduce((at, letter) => at * 26 + letter.charCodeAt(0) - 64, 0) - 1
  );
}

const unescaped = (text: string) =>
  text.replaceAll(/_x([0-9A-F]{4})_/g, (_all, code: string) => String.fromCharCode(parseInt(code, 16)));

describe('the files of DATA_EXPORT', () => {
  const scene = new ExportScene();
  let app: TestingModule;

  beforeAll(async () => {
    app = await scene.start();
    app.get(WorkerRunner).startChosen();
    const { query } = app.get(Database);
    for (const [id, text] of texts.entries()) {
      await query.execute(sql`INSERT INTO cells VALUES ('default', ${id}, ${text}, ${id - 7.25}, ${id % 2 === 0},
        ${new Date(Date.UTC(2026, 0, 31, 8, 0, id, 125)).toISOString()})`);
    }
    await query.execute(sql`INSERT INTO cells VALUES ('default', 1000, NULL, NULL, NULL, NULL)`);
    await query.execute(sql`INSERT INTO cells VALUES ('other', 1, 'of another tenant', 1, true, now())`);
    await fillLedger(app.get(Database), 'default', 250);
    await fillLedger(app.get(Database), 'other', 10);
  });
  afterAll(() => scene.end());

  const columns = ['id', 'text', 'amount', 'isRight', 'at'];

  it('neutralise every kind of formula in CSV and xlsx, and touch no number', async () => {
    const csv = await exported(app, { exportType: 'csv', source: 'cells', columns });
    const raw = csv.bytes.toString('utf8');
    const rows = await rowsOfCsv(csv.bytes);
    expect(rows).toHaveLength(texts.length + 1);
    expect(rows.slice(0, -1).map(({ text }) => text ?? '')).toEqual(texts);
    expect(rows.map(({ amount }) => amount ?? '').slice(0, 3)).toEqual(['-7.25', '-6.25', '-5.25']);
    for (const number of numberTexts)
      expect(raw).toMatch(new RegExp(`\\n\\d+,"?${number.replace(/[+.]/, '\\$&')}"?,`));
    // As a spreadsheet reads it: without the engine that takes guards off.
    const plain = await rowsOfCsv(Buffer.from(raw.replaceAll(/(?<=\n\d+,"?)'(?=['=+\-@\t\r])/g, '§')));
    const cells = plain.slice(0, formulas.length).map(({ text }) => String(text));
    const neutralInCsv = cells.filter((cell) => cell.startsWith('§') && !startsFormula(cell)).length;

    const [sheet = []] = sheetsOf(
      (await exported(app, { exportType: 'xlsx', source: 'cells', columns })).bytes,
    );
    const inSheet = sheet.slice(1, formulas.length + 1).map((row) => row[1]!);
    const neutralInXlsx = inSheet.filter(({ type }) => type === 'inlineStr').length;
    process.stdout.write(`A14 cells=${2 * formulas.length} neutral=${neutralInCsv + neutralInXlsx}\n`);
    expect(neutralInCsv + neutralInXlsx).toBe(2 * formulas.length);
    expect(inSheet.map(({ value }) => unescaped(value))).toEqual(formulas);
  });

  it('hold every value in xlsx, typed, in sheets that another reader opens', async () => {
    const { bytes, result } = await exported(app, { exportType: 'xlsx', source: 'cells', columns });
    const [sheet = [], ...rest] = sheetsOf(bytes);
    expect(rest).toEqual([]);
    expect(result).toMatchObject({ rows: texts.length + 1, bytes: bytes.length });
    expect(sheet[0]!.map(({ value }) => value)).toEqual(columns);
    expect(sheet.slice(1, -1).map((row) => unescaped(row[1]?.value ?? ''))).toEqual(texts);
    expect(sheet[1]).toEqual([
      { type: 'n', style: '0', value: '0' },
      { type: 'inlineStr', style: '2', value: '=1+1' },
      { type: 'n', style: '0', value: '-7.25' },
      { type: 'b', style: '0', value: '1' },
      { type: 'n', style: '1', value: expect.stringMatching(/^46053\.3333/) },
    ]);
    expect(sheet.at(-1)).toEqual([{ type: 'n', style: '0', value: '1000' }]);
  });

  it('hold every value in JSON, as an array and as lines', async () => {
    const array = await exported(app, { exportType: 'json', source: 'cells', columns });
    const rows = JSON.parse(array.bytes.toString('utf8')) as Record<string, unknown>[];
    expect(rows.map(({ text }) => text)).toEqual([...texts, null]);
    expect(rows[0]).toEqual({
      id: 0,
      text: '=1+1',
      amount: -7.25,
      isRight: true,
      at: '2026-01-31T08:00:00.125Z',
    });
    expect(array.result).toMatchObject({ contentType: 'application/json', rows: texts.length + 1 });
    const lines = await exported(app, { exportType: 'json', format: 'ndjson', source: 'cells', columns });
    expect(lines.result.name).toMatch(/^cells-[\dT-]+Z\.ndjson$/);
    const parsed = lines.bytes
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(parsed).toEqual(rows);
  });

  it('are valid also without a row', async () => {
    const filters = { text: 'nobody' };
    const of = async (payload: object) =>
      (await exported(app, { exportType: 'json', source: 'cells', filters, columns: ['id'], ...payload }))
        .bytes;
    expect((await of({ exportType: 'csv' })).toString()).toBe('id\n');
    expect(JSON.parse((await of({})).toString())).toEqual([]);
    expect((await of({ format: 'ndjson' })).toString()).toBe('');
    expect(sheetsOf(await of({ exportType: 'xlsx' }))).toEqual([
      [[expect.objectContaining({ value: 'id' })]],
    ]);
  });

  it('begin with the mark of UTF-8 where it is wanted, and keep a row of one empty cell', async () => {
    const { bytes } = await exported(app, {
      exportType: 'csv',
      source: 'cells',
      bom: true,
      columns: ['text'],
    });
    expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect(await rowsOfCsv(bytes)).toHaveLength(texts.length + 1);
  });

  it('hold the rows that every filter lets through, in the columns that are named, in their order', async () => {
    const filters = { text: ['=1+1', '-1', '12', "'; DROP TABLE cells; --\\"], isRight: true, minId: 1 };
    const since = '2026-01-31T09:00:00+01:00';
    const { bytes } = await exported(app, {
      exportType: 'csv',
      source: 'cells',
      columns: ['text', 'id'],
      filters: { ...filters, since },
    });
    const wanted = texts.flatMap((text, id) =>
      filters.text.includes(text) && id % 2 === 0 && id >= 1 ? [`${text},${id}\n`] : [],
    );
    expect(bytes.toString()).toBe(`text,id\n${wanted.join('')}`);
  });

  it('hold no row of another tenant, whatever the payload says', async () => {
    const all = await exported(app, { exportType: 'json' });
    expect(all.result.rows).toBe(250);
    expect(all.bytes.toString()).not.toContain('default_other');
    const theirs = await exported(app, { exportType: 'json', source: 'cells', columns }, 'other');
    expect(JSON.parse(theirs.bytes.toString())).toEqual([
      expect.objectContaining({ text: 'of another tenant' }),
    ]);
    const filters = { caller: "' OR ledger_jobs.tenant = 'other' OR '" };
    expect((await exported(app, { exportType: 'json', filters })).result.rows).toBe(0);
  });
});
