import { openAsBlob, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../support/eventually';
import { startTestServer, type TestServer } from '../../support/server';

interface Count {
  readonly rule: string;
  readonly column: string | null;
  readonly severity: string;
  readonly count: number;
}

const example = (name: string): string => join(__dirname, '../../../examples', name);
const lineOf = ({ rule, column, severity, count }: Count): string =>
  [rule, column ?? '-', severity, count].join(' ');

describe('the example', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  it('breaks every rule exactly as often as it was planted', async () => {
    const form = new FormData();
    form.set('file', await openAsBlob(example('members.csv')), 'members.csv');
    form.set('ruleSet', readFileSync(example('members.rules.json'), 'utf8'));
    const answer = await fetch(`${server.url}/api/validations`, { method: 'POST', body: form });
    expect(answer.status).toBe(202);
    const { links } = (await answer.json()) as { links: { self: string; errors: string } };
    await eventually(async () => {
      const run = (await (await fetch(server.url + links.self)).json()) as object;
      expect(run).toMatchObject({ status: 'completed', rows: { read: 10_000 } });
    }, 20_000);
    const groups = (await (await fetch(`${server.url}${links.errors}?group=rule`)).json()) as {
      items: Count[];
    };
    const planted = JSON.parse(readFileSync(example('members.planted.json'), 'utf8')) as Count[];
    expect(new Set(groups.items.map(lineOf))).toEqual(new Set(planted.map(lineOf)));
  });
});
