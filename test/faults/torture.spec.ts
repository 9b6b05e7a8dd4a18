import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = resolve(__dirname, '../../scripts/torture.mjs');
const deadlineMs = 300_000;

/** The short form of `npm run torture`: the same script with fewer runs and a smaller file. */
function torture(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, [script, '--keep-dist', '--rows', '200000', '--seed', '2', ...args], {
    timeout: deadlineMs,
  });
}

describe('kill -9 in the middle of validations', () => {
  it(
    'loses no row and doubles none, whether the worker dies or the private Redis',
    async () => {
      const { stdout, stderr } = await torture('--runs', '3', '--victim', 'both');
      expect(stderr).toBe('');
      const runs = stdout.split('\n').filter((line) => /^run \d+: /.test(line));
      expect(runs).toHaveLength(3);
      for (const line of runs) expect(line).toMatch(/rows=200000 doubled=0 lost=0$/);
      expect(stdout).toContain('3 runs, 0 wrong');
    },
    deadlineMs,
  );
});
