import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { startTestServer, type TestServer } from '../support/server';

const KEY = 'a-key-of-the-http-file-spec';
const FILE = resolve(__dirname, '../../docs/http/queue.http');

interface Written {
  readonly title: string;
  readonly status: number;
  readonly name?: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The requests of a file as editors read it: parts after `###`, head and body parted by an empty line. */
function requestsOf(text: string): Written[] {
  return text
    .split(/^### /m)
    .slice(1)
    .map((part) => {
      const [title = '', ...lines] = part.split('\n');
      const name = lines.find((line) => line.startsWith('# @name '))?.slice('# @name '.length);
      const [head = '', ...rest] = lines
        .filter((line) => !line.startsWith('#'))
        .join('\n')
        .split('\n\n');
      const [first = '', ...fields] = head.trim().split('\n');
      const [method = '', url = ''] = first.split(' ');
      const body = rest.join('\n\n').trim();
      return {
        title,
        status: Number(/Answers (\d{3})$/.exec(title)?.[1]),
        method,
        url,
        headers: Object.fromEntries(fields.map((field) => field.split(/: (.*)/).slice(0, 2))),
        ...(name !== undefined && { name }),
        // A multipart body has line ends of its own.
        ...(body !== '' && { body: body.startsWith('--') ? `${body.replaceAll('\n', '\r\n')}\r\n` : body }),
      };
    });
}

describe('docs/http/queue.http', () => {
  let server: TestServer;
  let requests: Written[];

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api', HOLDFAST_BOOTSTRAP_KEY: KEY });
    requests = requestsOf(await readFile(FILE, 'utf8'));
  });

  afterAll(() => server.close());

  it('has every path of document 004, and every job type there is', () => {
    const paths = requests.map(({ method, url }) => `${method} ${url.replace('{{host}}', '')}`.split('?')[0]);
    for (const path of [
      'POST /api/queue/jobs',
      'GET /api/queue/jobs/{{mail.response.body.$.id}}',
      'DELETE /api/queue/jobs/{{notification.response.body.$.id}}',
      'GET /api/queue/stats',
      'POST /api/queue/pause',
      'POST /api/queue/resume',
      'POST /api/queue/clean/completed',
      'POST /api/queue/clean/failed',
    ]) {
      expect(paths).toContain(path);
    }
    const types = requests.flatMap(({ body = '' }) =>
      [...body.matchAll(/"type": "([A-Z_]+)"/g)].map(([, type]) => type),
    );
    expect(new Set(types)).toEqual(
      new Set(['CACHE_WARM', 'CLEANUP', 'DATA_EXPORT', 'EMAIL_SEND', 'FILE_PROCESS', 'USER_NOTIFICATION']),
    );
  });

  it('answers each request as its title says', async () => {
    const answers = new Map<string, Record<string, unknown>>();
    const filled = (text: string) =>
      text
        .replaceAll('{{host}}', server.url)
        .replaceAll('{{key}}', KEY)
        .replaceAll(/\{\{(\w+)\.response\.body\.\$\.(\w+)\}\}/g, (_all, name: string, field: string) =>
          String(answers.get(name)?.[field]),
        );
    const wrong: string[] = [];
    for (const { title, status, name, method, url, headers, body } of requests) {
      const answer = await fetch(filled(url), {
        method,
        headers: Object.fromEntries(Object.entries(headers).map(([field, value]) => [field, filled(value)])),
        ...(body !== undefined && { body: filled(body) }),
      });
      const text = await answer.text();
      if (name !== undefined) answers.set(name, JSON.parse(text) as Record<string, unknown>);
      if (answer.status !== status) wrong.push(`${title} But it was ${answer.status}: ${text.slice(0, 300)}`);
    }
    expect(wrong).toEqual([]);
    expect(requests.length).toBeGreaterThan(20);
  });
});
