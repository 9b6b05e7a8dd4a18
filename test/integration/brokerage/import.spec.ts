import { Readable } from 'node:stream';
import { Files } from '../../../src/platform/files/files.service';
import { ImportStore } from '../../../src/workloads/brokerage/import.store';
import type { ProcessCsvPayload } from '../../../src/workloads/brokerage/import/import.payload';
import { ImportProducer } from '../../../src/workloads/brokerage/import/import.producer';
import { ImportWatch } from '../../../src/workloads/brokerage/import/import-watch.service';
import type { ImportResult } from '../../../src/workloads/brokerage/import/import.service';
import { eventually } from '../../support/eventually';
import { startBrokerage, type BrokerageScene } from './brokerage-scene';

describe('import, process-csv', () => {
  let scene: BrokerageScene;

  beforeAll(async () => {
    scene = await startBrokerage({ WORKER_QUEUES: 'import' });
  });
  afterAll(() => scene.close());

  let users = 0;
  const newUser = () => `user-${(users += 1)}`;
  const upload = async (text: string, tenant = 'default') => {
    const file = { tenant, name: 'trades.csv', contentType: 'text/csv', createdBy: 'test' };
    return (await scene.app.get(Files).create(file, Readable.from([text]))).id;
  };
  const run = async (payload: ProcessCsvPayload, timeoutMs?: number) => {
    const { id = '' } = await scene.app.get(ImportProducer).addProcessCsv(payload);
    const job = await scene.ended(id, timeoutMs);
    const stored = await scene.app.get(ImportStore).findByJob(id);
    return { job, rows: (job.result as ImportResult | undefined)?.rows, stored: stored! };
  };
  const importText = async (text: string, more: Partial<ProcessCsvPayload> = {}) =>
    run({ fileId: await upload(text), userId: newUser(), ...more });
  const trades = (userId: string) =>
    scene.rows<Record<string, string>>(
      `SELECT symbol, side, trim_scale(quantity)::text AS quantity, trim_scale(price)::text AS price,
         trim_scale(fee)::text AS fee, currency, occurred_at FROM broker_activities
       WHERE user_id = $1 ORDER BY occurred_at, external_id`,
      [userId],
    );

  it.each([
    ['plain', 'Date,Symbol,Side,Quantity,Price,Fee\n2024-01-31T14:30:00Z,AAPL,buy,10,182.5,1.25\n'],
    [
      'Interactive Brokers',
      'TradeDate;Symbol;Buy/Sell;Quantity;TradePrice;IBCommission;IBExecID\n20240131;AAPL;BUY;10;182.5;-1.25;0000e0d5.1\n',
    ],
    [
      'Schwab',
      '"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"\n"01/31/2024","Buy","AAPL","APPLE INC","10","$182.50","$1.25","-$1,826.25"\n',
    ],
    [
      'Fidelity, with lines before the header',
      'Brokerage\n\nAccount history\nRun Date,Action,Symbol,Quantity,Price ($),Commission ($)\n01/31/2024,YOU BOUGHT APPLE INC (AAPL),AAPL,10,182.50,1.25\n',
    ],
    [
      'Robinhood',
      '"Activity Date","Instrument","Trans Code","Quantity","Price","Fees"\n"1/31/2024","AAPL","Buy","10","$182.50","1.25"\n',
    ],
    [
      'Trading 212',
      'Action,Time,ISIN,Ticker,No. of shares,Price / share,Currency (Price / share),ID,Fee\nMarket buy,2024-01-31 00:00:00,US0378331005,AAPL,10,182.50,USD,EOF1,1.25\n',
    ],
  ])('finds the columns of %s by itself', async (_name, text) => {
    const { job, rows, stored } = await importText(text);
    expect(job.failedReason).toBeUndefined();
    expect(rows).toEqual({ read: 1, inserted: 1, duplicates: 0, refused: 0 });
    expect(await trades(stored.userId)).toMatchObject([
      { symbol: 'AAPL', side: 'buy', quantity: '10', price: '182.5', fee: '1.25' },
    ]);
  });

  it('reads what it is told to: columns, order of dates, comma, zone, currency', async () => {
    const { rows, stored } = await importText('Wann;Was;Stück;Kurs\n31/01/2024 09:30;SAP;-1.000,5;140,25\n', {
      columns: { occurredAt: 'Wann', symbol: 'Was', quantity: 'Stück', price: 'Kurs' },
      dateOrder: 'DMY',
      decimalSeparator: ',',
      timeZone: 'Europe/Berlin',
      currency: 'EUR',
    });
    expect(rows?.inserted).toBe(1);
    expect(await trades(stored.userId)).toEqual([
      {
        symbol: 'SAP',
        side: 'sell',
        quantity: '-1000.5',
        price: '140.25',
        fee: null,
        currency: 'EUR',
        occurred_at: new Date('2024-01-31T08:30:00Z'),
      },
    ]);
  });

  it('writes nothing when the same file comes again, and keeps fills that are alike apart', async () => {
    const line = '2024-01-31,AAPL,buy,1,182.5\n';
    const text = `Date,Symbol,Side,Quantity,Price\n${line}${line}${line}2024-02-01,MSFT,sell,2,400\n`;
    const userId = newUser();
    const first = await run({ fileId: await upload(text), userId });
    expect(first.rows).toEqual({ read: 4, inserted: 4, duplicates: 0, refused: 0 });
    const again = await run({ fileId: await upload(text), userId });
    expect(again.rows).toEqual({ read: 4, inserted: 0, duplicates: 4, refused: 0 });
    // Another user's trades are others.
    expect((await run({ fileId: await upload(text), userId: newUser() })).rows?.inserted).toBe(4);
    expect(await trades(userId)).toHaveLength(4);
  });

  it('goes by the id of a trade where the file has one', async () => {
    const text = (price: string) =>
      `ID,Date,Symbol,Side,Quantity,Price\nT-1,2024-01-31,AAPL,buy,1,${price}\n`;
    const userId = newUser();
    await run({ fileId: await upload(text('1')), userId });
    expect((await run({ fileId: await upload(text('2')), userId })).rows).toMatchObject({ duplicates: 1 });
  });

  it('refuses rows with a reason each, and takes the others over', async () => {
    const text = [
      'Date,Symbol,Side,Quantity,Price,Fee',
      '2024-01-31,AAPL,buy,1,182.5,',
      '2024-02-30,AAPL,buy,1,182.5,',
      '2024-01-31,"A\nB",buy,1,182.5,',
      '2024-01-31,AAPL,dividend,1,182.5,',
      '2024-01-31,AAPL,buy,0,-1,x',
      '2024-01-31,AAPL',
      '2024-01-31,AAPL,buy,"1,182.5,',
      '',
    ].join('\n');
    const { rows, stored, job } = await importText(text);
    expect(job.state).toBe('completed');
    expect(rows).toEqual({ read: 7, inserted: 1, duplicates: 0, refused: 6 });
    const findings = await scene.app.get(ImportStore).findings(stored.id, 100);
    expect(findings.map((one) => [one.rowNumber, one.columnName, one.rule, one.severity, one.value])).toEqual(
      [
        [2, 'Date', 'date', 'error', '2024-02-30'],
        [3, 'Symbol', 'symbol', 'error', 'A\nB'],
        [4, 'Side', 'not_a_trade', 'warning', 'dividend'],
        [5, 'Quantity', 'number', 'error', '0'],
        [5, 'Price', 'number', 'error', '-1'],
        [5, 'Fee', 'number', 'error', 'x'],
        [6, null, 'too_few_cells', 'error', null],
        [7, null, 'unterminated_quote', 'error', null],
      ],
    );
    expect(stored.summary).toEqual(
      expect.arrayContaining([{ rule: 'number', column: 'Price', severity: 'error', count: 1 }]),
    );
  });

  it.each([
    ['no columns', 'a,b\n1,2\n', /No column was found for symbol, quantity, price, occurredAt/],
    ['nothing', ' ', /./],
    ['a program', '\x7fELF\x00\x00\x00\x00', /./],
  ])('has no hope with a file of %s', async (_name, text, reason) => {
    const { job } = await importText(text);
    expect(job.state).toBe('failed');
    expect(job.attemptsMade).toBe(1);
    expect(job.failedReason).toMatch(reason);
    await eventually(async () =>
      expect((await scene.app.get(ImportStore).findByJob(job.id))?.status).toBe('failed'),
    );
  });

  it('knows no file of another tenant', async () => {
    const fileId = await upload('Date,Symbol,Quantity,Price\n', 'acme');
    const { job } = await run({ fileId, userId: newUser() });
    expect(job.failedReason).toContain('There is no file');
  });

  it('goes on behind what an earlier start has stored, and counts all of it once', async () => {
    const lines = Array.from(
      { length: 2_500 },
      (_, index) => `2024-01-31,AAPL,buy,${index % 2 === 0 ? 1 : 'x'},${100 + (index % 5)}`,
    );
    const fileId = await upload(`Date,Symbol,Side,Quantity,Price\n${lines.join('\n')}\n`);
    const userId = newUser();
    const whole = await run({ fileId, userId });
    expect(whole.rows).toEqual({ read: 2_500, inserted: 1_250, duplicates: 0, refused: 1_250 });
    const summary = whole.stored.summary;

    // As a worker leaves it that was killed behind the first thousand rows.
    await scene.rows('DELETE FROM broker_activities WHERE user_id = $1', [userId]);
    const { id = '' } = await scene.app
      .get(ImportProducer)
      .addProcessCsv({ fileId, userId }, { delayMs: 1_500 });
    const store = scene.app.get(ImportStore);
    const claimed = (await store.claim({ fileId, userId }, 'default', id))!;
    await store.storePart(claimed, { rowsRead: 1_000, rowsRefused: 500, trades: [], findings: [] });
    await scene.rows('UPDATE trade_imports SET rows_inserted = 500, findings_stored = 500 WHERE id = $1', [
      claimed.id,
    ]);
    const job = await scene.ended(id);
    expect((job.result as ImportResult).rows).toEqual({
      read: 2_500,
      inserted: 1_250,
      duplicates: 0,
      refused: 1_250,
    });
    const resumed = (await store.findByJob(id))!;
    expect(resumed).toMatchObject({ attempt: 2, findingsStored: 1_250, summary });
    const [first] = await store.findings(resumed.id, 1);
    expect(first).toMatchObject({ rowNumber: 1_002, ordinal: 500 });
    await expect(
      store.storePart(claimed, { rowsRead: 1, rowsRefused: 0, trades: [], findings: [] }),
    ).rejects.toThrow('Another start');
  });

  it('ends an import whose job is gone', async () => {
    const store = scene.app.get(ImportStore);
    const claimed = (await store.claim(
      { fileId: 'x', userId: 'y' },
      'default',
      'import_0000000000000000000000',
    ))!;
    await scene.app.get(ImportWatch).turn(-1);
    expect(await store.find(claimed.id, 'default')).toMatchObject({ status: 'failed' });
  });

  it('takes 100,000 trades over in bearable time', async () => {
    const lines = Array.from(
      { length: 100_000 },
      (_, index) =>
        `${new Date(Date.UTC(2024, 0, 1) + index * 1_000).toISOString()},AAPL,buy,1.5,${index % 100}`,
    );
    const fileId = await upload(`Date,Symbol,Side,Quantity,Price\n${lines.join('\n')}\n`);
    // 9 s on two busy cores.
    const { rows } = await run({ fileId, userId: newUser() }, 90_000);
    expect(rows).toMatchObject({ inserted: 100_000 });
  }, 120_000);
});
