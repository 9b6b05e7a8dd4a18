import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');

async function check(...args: string[]): Promise<{ code: number | null; output: string }> {
  const script = join(root, 'scripts/check-regular-expressions.mjs');
  const child = spawn(process.execPath, [script, ...args], { cwd: root });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, output };
}

describe('regular expressions', () => {
  it('of src and scripts are safe, or their input is bounded', async () => {
    const { code, output } = await check();
    expect(output).toMatch(/^\d{3,5} regular expressions in \d{3,5} files\.\n$/);
    expect(code).toBe(0);
  }, 60_000);

  it('that could be held up are found, as literals and as texts', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-regex-'));
    try {
      await mkdir(join(directory, 'src'));
      const source =
        'export const a = /^(a+)+$/;\nexport const b = new RegExp("^(b|b)*$", "i");\nexport const c = RegExp(a.source);\n';
      await writeFile(join(directory, 'src/bad.ts'), source);
      const { code, output } = await check('--root', directory);
      expect(code).toBe(1);
      expect(output).toContain('src/bad.ts: /^(a+)+$/ is vulnerable.');
      expect(output).toContain('src/bad.ts: /^(b|b)*$/i is vulnerable.');
      expect(output).toContain('src/bad.ts: RegExp(a.source) is put together at run time.');
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }, 60_000);

  it('have no reason for one that is gone', async () => {
    const text = await readFile(join(root, 'test/architecture/regular-expressions.json'), 'utf8');
    const { reasons } = JSON.parse(text) as { reasons: Record<string, string> };
    const files = (
      await Promise.all(
        ['src', 'scripts'].map(async (room) =>
          (await readdir(join(root, room), { recursive: true })).map((file) => join(room, file)),
        ),
      )
    )
      .flat()
      .filter((file) => /\.(ts|mjs)$/.test(file));
    const sources = (await Promise.all(files.map((file) => readFile(join(root, file), 'utf8')))).join('\n');
    expect(Object.keys(reasons).filter((expression) => !sources.includes(expression))).toEqual([]);
  });
});
