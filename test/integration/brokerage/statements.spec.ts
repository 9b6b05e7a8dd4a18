import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { Settings } from '../../../src/config/settings';
import { Files } from '../../../src/platform/files/files.service';
import { BrokerAdapters } from '../../../src/workloads/brokerage/broker-adapters.service';
import { ConnectionCredentials } from '../../../src/workloads/brokerage/connection-credentials.service';
import { ConnectionStore } from '../../../src/workloads/brokerage/connection.store';
import { newRowId } from '../../../src/workloads/brokerage/row-id';
import { SyncRequests } from '../../../src/workloads/brokerage/sync-requests.store';
import { startBrokerage, type BrokerageScene } from './brokerage-scene';

const transactions = `
<BUYSTOCK><INVBUY><INVTRAN><FITID>1<DTTRADE>20240131093000[-5:EST]<MEMO>Buy &amp; hold</INVTRAN>
<SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP</SECID><UNITS>10<UNITPRICE>182.50<COMMISSION>1.25<FEES>0.05<TOTAL>-1826.30
<SUBACCTSEC>CASH<SUBACCTFUND>CASH</INVBUY><BUYTYPE>BUY</BUYSTOCK>
<SELLSTOCK><INVSELL><INVTRAN><FITID>2<DTTRADE>20240201</INVTRAN>
<SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP</SECID><UNITS>-4<UNITPRICE>190<TOTAL>760</INVSELL><SELLTYPE>SELL</SELLSTOCK>
<SPLIT><INVTRAN><FITID>3<DTTRADE>20240202</INVTRAN><SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP</SECID>
<SUBACCTSEC>CASH<OLDUNITS>6<NEWUNITS>24<NUMERATOR>4<DENOMINATOR>1</SPLIT>
<INCOME><INVTRAN><FITID>4<DTTRADE>20240203</INVTRAN><SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP</SECID>
<INCOMETYPE>DIV<TOTAL>5.76</INCOME>
<TRANSFER><INVTRAN><FITID>5<DTTRADE>20240204</INVTRAN><SECID><UNIQUEID>NOTICKER<UNIQUEIDTYPE>OTHER</SECID>
<UNITS>7<TFERACTION>OUT<POSTYPE>LONG</TRANSFER>
<BUYSTOCK><INVBUY><INVTRAN><FITID>6<DTTRADE>20240299</INVTRAN><SECID><UNIQUEID>X</SECID><UNITS>1<UNITPRICE>1</INVBUY></BUYSTOCK>`;

const body = `<OFX><INVSTMTMSGSRSV1><INVSTMTTRNRS><INVSTMTRS><DTASOF>20240205<CURDEF>USD
<INVACCTFROM><BROKERID>broker.example<ACCTID>42</INVACCTFROM>
<INVTRANLIST><DTSTART>20240101<DTEND>20240205${transactions}</INVTRANLIST></INVSTMTRS></INVSTMTTRNRS></INVSTMTMSGSRSV1>
<SECLISTMSGSRSV1><SECLIST><STOCKINFO><SECINFO><SECID><UNIQUEID>037833100<UNIQUEIDTYPE>CUSIP</SECID><SECNAME>Apple
<TICKER>AAPL</SECINFO></STOCKINFO></SECLIST></SECLISTMSGSRSV1></OFX>`;

const ofx1 = `OFXHEADER:100\nDATA:OFXSGML\nVERSION:103\nENCODING:USASCII\nCHARSET:1252\n\n${body}`;
// Version 2 is the same with every element closed.
const ofx2 = `<?xml version="1.0" encoding="UTF-8"?>\n<?OFX OFXHEADER="200" VERSION="211"?>\n${body.replaceAll(
  /<([A-Z0-9]+)>([^<\s][^<\n]*)/g,
  '<$1>$2</$1>',
)}`;
const csv =
  'Date,Symbol,Side,Quantity,Price\n2024-01-31,AAPL,buy,10,182.5\nTotal,,,,\n2024-02-01,AAPL,sell,4,190\n';

const read = [
  ['trade', 'AAPL', 'buy', '10', '182.5', '-1826.3', '1.3', '2024-01-31T14:30:00.000Z'],
  ['trade', 'AAPL', 'sell', '-4', '190', '760', null, '2024-02-01T00:00:00.000Z'],
  ['split', 'AAPL', null, '18', null, null, null, '2024-02-02T00:00:00.000Z'],
  ['cash', 'AAPL', null, null, null, '5.76', null, '2024-02-03T00:00:00.000Z'],
  ['transfer', 'NOTICKER', null, '-7', null, null, null, '2024-02-04T00:00:00.000Z'],
];

describe('broker-sync with statements', () => {
  let server: Server;
  let url: string;
  let reply: (request: IncomingMessage, response: ServerResponse) => void;
  let scene: BrokerageScene;

  beforeAll(async () => {
    server = createServer((request, response) => reply(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    url = `http://127.0.0.1:${port}/statement?account=42`;
    scene = await startBrokerage({
      OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
      OUTBOUND_ALLOW_PORTS: String(port),
      WORKER_QUEUES: 'broker-sync',
      FILE_MAX_BYTES: '1000000',
    });
  });
  afterAll(async () => {
    await scene.close();
    server.close();
  });

  const connect = async (settings: Record<string, string>, credentials: Record<string, string> = {}) => {
    expect(scene.app.get(BrokerAdapters).faults('statement', settings, credentials)).toEqual([]);
    const owner = { id: newRowId(), tenant: 'default' };
    return (await scene.app.get(ConnectionStore).create({
      ...owner,
      userId: 'user-1',
      name: 'Statement',
      adapter: 'statement',
      settings,
      credentials: scene.app.get(ConnectionCredentials).seal(owner, credentials),
      schedule: { kind: 'manual' },
      createdBy: 'test',
    }))!;
  };
  const sync = async (connection: { id: string; tenant: string }) =>
    scene.ended((await scene.app.get(SyncRequests).request(connection, 'test')).run.jobId);
  const stored = async ({ id }: { id: string }) =>
    (
      await scene.rows<Record<string, string | Date | null>>(
        `SELECT kind, symbol, side, trim_scale(quantity)::text AS quantity, trim_scale(price)::text AS price,
           trim_scale(cash)::text AS cash, trim_scale(fee)::text AS fee, occurred_at
         FROM broker_activities WHERE source = $1 ORDER BY occurred_at`,
        [id],
      )
    ).map((row) => Object.values(row).map((value) => (value instanceof Date ? value.toISOString() : value)));
  const sends = (text: string) => (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    response.end(text);
  };

  it.each([
    ['OFX 1', ofx1],
    ['OFX 2', ofx2],
  ])('reads %s from an address: trades, splits, income and transfers, once', async (_name, text) => {
    reply = sends(text);
    const connection = await connect({ url });
    const job = await sync(connection);
    expect(job.failedReason).toBeUndefined();
    expect(job.result).toMatchObject({ received: 5, inserted: 5, unreadable: 1, positions: 'unavailable' });
    expect(await stored(connection)).toEqual(read);
    expect((await sync(connection)).result).toMatchObject({ received: 5, inserted: 0, updated: 0 });
    expect(await readdir(scene.app.get(Settings).cleanupTempRoot)).toEqual([]);
  });

  it('reads CSV from a file of the tenant, and of no other', async () => {
    const upload = async (tenant: string) => {
      const file = { tenant, name: 's.csv', contentType: 'text/csv', createdBy: 'test' };
      return (await scene.app.get(Files).create(file, Readable.from([csv]))).id;
    };
    const connection = await connect({ fileId: await upload('default') });
    expect((await sync(connection)).result).toMatchObject({ inserted: 2, unreadable: 1 });
    expect((await sync(connection)).result).toMatchObject({ inserted: 0 });
    const job = await sync(await connect({ fileId: await upload('acme') }));
    expect(job).toMatchObject({ state: 'failed', failedReason: expect.stringContaining('There is no file') });
  });

  it('shows the address its authorization, and has no hope where that is wrong', async () => {
    reply = (request, response) => {
      const isRight = request.headers.authorization === 'Bearer of-the-statement';
      response.writeHead(isRight ? 200 : 401).end(isRight ? csv : '');
    };
    const good = await sync(await connect({ url }, { authorization: 'Bearer of-the-statement' }));
    expect(good.result).toMatchObject({ inserted: 2 });
    const bad = await sync(await connect({ url }));
    expect(bad).toMatchObject({ state: 'failed', attemptsMade: 1 });
    expect(bad.failedReason).toContain('refuses the key (401)');
  });

  it.each([
    ['that is cut off', ofx1.slice(0, 900), /ends within a transaction/],
    ['that is none', '<html>Log in</html>', /No column was found/],
    ['that is too large', 'x'.repeat(1_100_000), /larger than 1000000 bytes/],
  ])('has no hope with a statement %s', async (_name, text, reason) => {
    reply = sends(text);
    const job = await sync(await connect({ url }));
    expect(job.state).toBe('failed');
    expect(job.failedReason).toMatch(reason);
  });

  it('wants an address or a file, and neither both nor a strange one', () => {
    const faults = (settings: Record<string, string>) =>
      scene.app
        .get(BrokerAdapters)
        .faults('statement', settings, {})
        .map(({ pointer }) => pointer);
    expect(faults({})).toEqual(['#/settings']);
    expect(faults({ url, fileId: `file_${'x'.repeat(22)}` })).toEqual(['#/settings']);
    expect(faults({ url: 'ftp://x/y' })).toEqual(['#/settings/url']);
    expect(faults({ fileId: '../x' })).toEqual(['#/settings/fileId']);
  });
});
