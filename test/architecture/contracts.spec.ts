import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { JobContract } from '../../src/platform/contracts/payload-contract';
import { runScript } from '../contract/script-run';

const recordedFile = resolve(__dirname, '../../docs/contracts.json');
type Recorded = Record<string, JobContract>;

describe('npm run contracts:check', () => {
  let directory = '';
  let recorded: Recorded = {};

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-contracts-'));
    recorded = JSON.parse(await readFile(recordedFile, 'utf8')) as Recorded;
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function check(promised: Recorded, ...args: string[]) {
    const file = join(directory, 'contracts.json');
    await writeFile(file, JSON.stringify(promised));
    const end = await runScript('check-contracts.mjs', ['--file', file, ...args], {});
    return { ...end, file };
  }
  const testJob = (changes: Partial<JobContract>): Recorded => ({
    ...recorded,
    'test-job': { ...recorded['test-job']!, ...changes },
  });

  it('holds for what the code declares', async () => {
    const { code, errors, lines } = await runScript('check-contracts.mjs', [], {});
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(lines.at(-1)).toBe(`${Object.keys(recorded).length} contracts hold.`);
  });

  it('fails with one sentence for each promise that the code breaks', async () => {
    const fields = recorded['test-job']!.fields;
    const promised = testJob({
      fields: {
        ...fields,
        message: { ...fields['message']!, rules: { isString: [], isLength: [0, 2_000] } },
        gone: { type: 'String', required: false, rules: {} },
      },
    });
    const { code, errors } = await check({ ...promised, 'old-job': recorded['test-job']! });
    expect(code).toBe(1);
    expect(errors.split('\n')).toEqual([
      expect.stringContaining('field /message narrows its rule from isLength [0,2000] to isLength [1,1000]'),
      expect.stringContaining('field /gone is gone'),
      expect.stringContaining('Job type "old-job" is gone'),
    ]);
  });

  it('does not record what breaks a promise', async () => {
    const { code, file } = await check(testJob({ version: 2 }), '--record');
    expect(code).toBe(1);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(testJob({ version: 2 }));
  });

  it('asks for the record of what is new, and writes it', async () => {
    const { 'test-job': _unknown, ...promised } = recorded;
    const { code, errors } = await check(promised);
    expect({ code, errors }).toEqual({
      code: 1,
      errors: 'Job type "test-job" is new.\nRecord what is new: npm run contracts:check -- --record',
    });
    const { file } = await check(promised, '--record');
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(recorded);
  });
});
