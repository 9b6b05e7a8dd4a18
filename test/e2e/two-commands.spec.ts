import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventually } from '../support/eventually';

const root = resolve(__dirname, '../..');
// Ten times what a warm demo took.
const deadlineMs = 60_000;

interface Planted {
  readonly rule: string;
  readonly column: string | null;
  readonly severity: string;
  readonly count: number;
}

describe('npm run demo', () => {
  let home: string;
  let demo: ChildProcess;
  let output: string;
  let errors: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'holdfast-demo-'));
    // Under root PostgreSQL runs as another user, who has to pass through.
    await chmod(home, 0o711);
  });

  // Not SIGKILL: the demo takes its server along.
  afterEach(async () => {
    if (demo.exitCode !== null) return;
    demo.kill('SIGTERM');
    await once(demo, 'close');
  });

  afterAll(() => rm(home, { recursive: true, force: true }));

  function start(...args: string[]): void {
    const { PATH = '', HOME = '' } = process.env;
    const script = join(root, 'scripts', 'demo.mjs');
    demo = spawn(process.execPath, [script, '--keep-dist', ...args], {
      cwd: root,
      env: { PATH, HOME, HOLDFAST_HOME: home },
    });
    [output, errors] = ['', ''];
    demo.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    demo.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  }

  const tableRow = (line: string) => line.split('│').map((cell) => cell.trim());

  it(
    'finds exactly the planted mistakes, saves the report, and ends with exit code 0 when asked for one run',
    async () => {
      start('--once');
      const [code] = (await once(demo, 'close')) as [number];
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      const planted = JSON.parse(
        await readFile(join(root, 'examples', 'members.planted.json'), 'utf8'),
      ) as Planted[];
      const found = output.split('\n').map(tableRow);
      for (const { rule, column, severity, count } of planted) {
        expect(found).toContainEqual(['', rule, column ?? '', severity, String(count), '']);
      }
      expect(found.filter(({ length }) => length === 6)).toHaveLength(planted.length + 1);
      const report = await readFile(join(home, 'demo', 'members-report.csv'), 'utf8');
      expect(report).toContain('_errors');
      expect(output).toContain('/admin/queues');
      expect(output.toLowerCase()).not.toContain('warn:');
    },
    deadlineMs,
  );

  it(
    'keeps serving until it is stopped',
    async () => {
      start();
      await eventually(() => expect(output).toContain('Serving until Ctrl-C'), deadlineMs);
      const [, url] = /Health +(http:\S+)/.exec(output) ?? [];
      expect((await fetch(String(url))).status).toBe(200);
      demo.kill('SIGINT');
      const [code] = (await once(demo, 'close')) as [number];
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
    },
    deadlineMs,
  );
});
