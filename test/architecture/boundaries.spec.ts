import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(__dirname, '..', '..');

interface Violation {
  readonly rule: string;
  readonly file: string;
  readonly source: string;
}

// One offence per rule of .dependency-cruiser.cjs; the files beside them are what they import.
const offences: readonly Violation[] = [
  { rule: 'no-circles', file: 'platform/queue/one.ts', source: `import './two';\nexport const one = 1;` },
  { rule: 'config-stands-alone', file: 'config/bad.ts', source: `import '../platform/queue/ok';` },
  { rule: 'platform-names-no-job', file: 'platform/bad.ts', source: `import '../workloads/a/q/q.payload';` },
  { rule: 'integrations-are-leaves', file: 'integrations/mail/bad.ts', source: `import '../csv/ok';` },
  { rule: 'domains-do-not-meet', file: 'workloads/a/q/bad.ts', source: `import '../../b/r/r.payload';` },
  { rule: 'siblings-by-the-front-door', file: 'workloads/a/s/bad.ts', source: `import '../q/q.service';` },
  { rule: 'workloads-face-no-caller', file: 'workloads/a/q/front.ts', source: `import '../../../api/ok';` },
  { rule: 'api-by-the-front-door', file: 'api/bad.ts', source: `import '../operators/ok';` },
  { rule: 'api-sees-fronts', file: 'api/service.ts', source: `import '../workloads/a/q/q.service';` },
  {
    rule: 'operators-see-the-registry',
    file: 'operators/bad.ts',
    source: `import '../workloads/a/q/q.payload';`,
  },
  { rule: 'bullmq-at-home', file: 'workloads/a/q/q.service.ts', source: `import 'bullmq';` },
  { rule: 'resolves', file: 'platform/queue/lost.ts', source: `import './nowhere';` },
];

const bystanders: Record<string, string> = {
  'platform/queue/two.ts': `import './one';\nexport const two = 2;`,
  'platform/queue/ok.ts': 'export const ok = 1;',
  'integrations/csv/ok.ts': 'export const ok = 1;',
  'workloads/a/q/q.payload.ts': 'export const payload = 1;',
  'workloads/b/r/r.payload.ts': 'export const payload = 1;',
  'operators/ok.ts': 'export const ok = 1;',
  'api/ok.ts': 'export const ok = 1;',
};

interface Report {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: { rule: { name: string }; from: string }[];
  };
}

async function cruise(directory: string): Promise<Report> {
  const cli = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const child = spawn(process.execPath, [cli, 'src', '--output-type', 'json'], { cwd: directory });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  return JSON.parse(output) as Report;
}

async function write(directory: string, files: Record<string, string>): Promise<void> {
  for (const [file, source] of Object.entries(files)) {
    await mkdir(dirname(join(directory, 'src', file)), { recursive: true });
    await writeFile(join(directory, 'src', file), source);
  }
}

describe('the import rules', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-rules-'));
    await cp(join(root, '.dependency-cruiser.cjs'), join(directory, '.dependency-cruiser.cjs'));
    await cp(join(root, 'tsconfig.json'), join(directory, 'tsconfig.json'));
    await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('find exactly one offence each in a tree with one offence per rule', async () => {
    await write(directory, bystanders);
    await write(directory, Object.fromEntries(offences.map(({ file, source }) => [file, source])));
    const { violations } = (await cruise(directory)).summary;
    const found = violations.map(({ rule, from }) => `${rule.name} ${from}`);
    const expected = offences.map(({ rule, file }) => `${rule} src/${file}`);
    const circleFromTheOtherSide = 'no-circles src/platform/queue/two.ts';
    expect(found.filter((line) => line !== circleFromTheOtherSide).toSorted()).toEqual(expected.toSorted());
  });

  it('are named in the list of offences above, every one of them', () => {
    const config = jest.requireActual<{ forbidden: { name: string }[] }>(
      join(root, '.dependency-cruiser.cjs'),
    );
    expect(config.forbidden.map(({ name }) => name).toSorted()).toEqual(
      offences.map(({ rule }) => rule).toSorted(),
    );
  });

  it('read the whole source tree and find nothing', async () => {
    const { summary } = await cruise(root);
    expect(summary.violations).toEqual([]);
    expect(summary.totalCruised).toBeGreaterThan(50);
  });
});
