import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { spawn } from 'node:child_process';
import {
  SandboxCrashedError,
  SandboxMemoryError,
  SandboxRefusalError,
} from '../../../src/platform/sandbox/sandbox-error';
import { SandboxPool } from '../../../src/platform/sandbox/sandbox-pool';
import { eventually } from '../../support/eventually';

const serve = resolve(__dirname, '../../../dist/platform/sandbox');

const program = `
const { serveSandbox } = require(${JSON.stringify(join(serve, 'sandbox-program.js'))});
const { SandboxRefusalError } = require(${JSON.stringify(join(serve, 'sandbox-error.js'))});
serveSandbox(async ({ does, text }, progress) => {
  progress(50);
  switch (does) {
    case 'echo': return { text, pid: process.pid };
    case 'tell': return { keys: Object.keys(process.env), cwd: process.cwd() };
    case 'work': return await new Promise((done) => setTimeout(() => done({ text: 'done' }), 300));
    case 'fail': throw new TypeError('it does not work');
    case 'refuse': throw new SandboxRefusalError('nothing helps');
    case 'exit': process.exit(7);
    case 'loop': for (;;);
    case 'hang': return new Promise(() => setInterval(() => undefined, 1000));
    case 'grow': { const kept = []; for (;;) { kept.push(Buffer.alloc(16777216, 1)); await new Promise(setImmediate); } }
  }
});
`;

interface Order {
  readonly does: string;
  readonly text?: string;
}

/** One that has ended and that nobody has asked about stays in the list of processes, as `Z`. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a sandbox', () => {
  let directory = '';
  let pool: SandboxPool<Order, Record<string, unknown>>;
  const never = new AbortController().signal;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-sandbox-'));
    await writeFile(join(directory, 'program.cjs'), program);
    pool = new SandboxPool(join(directory, 'program.cjs'), {
      maxResidentBytes: 300_000_000,
      maxHeapMegabytes: 128,
    });
  });
  afterAll(async () => {
    pool.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('does its work in one process after the other, and keeps the process', async () => {
    const progress: number[] = [];
    const first = await pool.run({ does: 'echo', text: 'ä' }, never, (percent) => progress.push(percent));
    expect([first['text'], progress]).toEqual(['ä', [50]]);
    expect(first['pid']).not.toBe(process.pid);
    expect((await pool.run({ does: 'echo' }, never))['pid']).toBe(first['pid']);
    const [left, right] = await Promise.all([1, 2].map(() => pool.run({ does: 'echo' }, never)));
    expect(left?.['pid']).not.toBe(right?.['pid']);
  });

  it('lets no more than so many work at once, and the others one after the other', async () => {
    const small = new SandboxPool<Order, Record<string, unknown>>(
      join(directory, 'program.cjs'),
      { maxResidentBytes: 300_000_000, maxHeapMegabytes: 128 },
      1,
    );
    try {
      const controller = new AbortController();
      const first = small.run({ does: 'echo' }, never);
      const left = small.run({ does: 'hang' }, controller.signal);
      const others = [1, 2, 3].map(() => small.run({ does: 'echo' }, never));
      controller.abort(new Error('not needed'));
      await expect(left).rejects.toThrow('not needed');
      const { pid } = await first;
      expect((await Promise.all(others)).map((told) => told['pid'])).toEqual([pid, pid, pid]);
    } finally {
      small.close();
    }
  });

  it('makes nobody wait for long behind work that takes its time', async () => {
    const small = new SandboxPool<Order, Record<string, unknown>>(
      join(directory, 'program.cjs'),
      { maxResidentBytes: 300_000_000, maxHeapMegabytes: 128 },
      1,
    );
    const controller = new AbortController();
    const slow = small.run({ does: 'hang' }, controller.signal);
    try {
      expect((await small.run({ does: 'echo', text: 'ahead' }, never))['text']).toBe('ahead');
    } finally {
      controller.abort(new Error('enough'));
      await expect(slow).rejects.toThrow('enough');
      small.close();
    }
  }, 30_000);

  it('knows no setting of its parent', async () => {
    const { keys } = await pool.run({ does: 'tell' }, never);
    expect((keys as string[]).filter((name) => !/^(NODE_ENV|PATH|NODE_CHANNEL.*)$/.test(name))).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('finishes its work whatever %s its family gets', async (name) => {
    const { pid } = await pool.run({ does: 'echo' }, never);
    const signalled = () => void process.kill(pid as number, name);
    await expect(pool.run({ does: 'work' }, never, signalled)).resolves.toEqual({ text: 'done' });
  });

  it('passes on what the work throws, and whether anything can help', async () => {
    await expect(pool.run({ does: 'fail' }, never)).rejects.toMatchObject({
      name: 'TypeError',
      message: 'it does not work',
    });
    await expect(pool.run({ does: 'refuse' }, never)).rejects.toBeInstanceOf(SandboxRefusalError);
  });

  it('survives a process that ends, and one that takes all memory', async () => {
    await expect(pool.run({ does: 'exit' }, never)).rejects.toBeInstanceOf(SandboxCrashedError);
    await expect(pool.run({ does: 'grow' }, never)).rejects.toBeInstanceOf(SandboxMemoryError);
    expect((await pool.run({ does: 'echo', text: 'still here' }, never))['text']).toBe('still here');
  });

  it.each(['loop', 'hang'])('ends a process that would %s for ever when its signal fires', async (does) => {
    const { pid } = await pool.run({ does: 'echo' }, never);
    const controller = new AbortController();
    const running = pool.run({ does }, controller.signal, () => controller.abort(new Error('enough')));
    await expect(running).rejects.toThrow('enough');
    await eventually(() => expect(isRunning(pid as number)).toBe(false));
  });

  it.each(['hang', 'loop'])(
    'ends with a parent that was killed, in work that would %s for ever',
    async (does) => {
      const parent = `
      const { SandboxPool } = require(${JSON.stringify(join(serve, 'sandbox-pool.js'))});
      const pool = new SandboxPool(${JSON.stringify(join(directory, 'program.cjs'))}, { maxResidentBytes: 3e8, maxHeapMegabytes: 128 });
      pool.run({ does: 'echo' }, new AbortController().signal).then(({ pid }) => {
        console.log(pid);
        void pool.run({ does: '${does}' }, new AbortController().signal);
      });`;
      const child = spawn(process.execPath, ['-e', parent], { stdio: ['ignore', 'pipe', 'inherit'] });
      const printed = await new Promise<string>((done) =>
        child.stdout.once('data', (text) => done(String(text))),
      );
      const pid = Number(printed);
      expect(isRunning(pid)).toBe(true);
      child.kill('SIGKILL');
      await eventually(() => expect(isRunning(pid)).toBe(false));
    },
  );
});
