// Compares what the job types declare with what docs/contracts.json promises to jobs that are stored already.
// --record writes the file anew; --file names another one.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setUpOrExit } from './setup.mjs';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const dist = join(root, 'dist');

function isQueue(value) {
  return typeof value === 'object' && value !== null && typeof value.name === 'string' && 'jobs' in value;
}

/** Every queue that is declared anywhere below workloads/, from its own file alone: nothing is started. */
function declaredContracts() {
  const require = createRequire(join(dist, 'main.js'));
  require('reflect-metadata');
  const { contractsOf } = require('./platform/contracts/payload-contract.js');
  const files = readdirSync(join(dist, 'workloads'), { recursive: true }).filter((file) =>
    file.endsWith('.queue.js'),
  );
  const queues = files.flatMap((file) =>
    Object.values(require(join(dist, 'workloads', file))).filter(isQueue),
  );
  return contractsOf(queues);
}

function comparison(recorded, declared) {
  const require = createRequire(join(dist, 'main.js'));
  return require('./platform/contracts/contract-breaks.js').compareContracts(recorded, declared);
}

const { values } = parseArgs({ options: { record: { type: 'boolean' }, file: { type: 'string' } } });
await setUpOrExit({ build: true, redis: false });

const file = resolve(values.file ?? join(root, 'docs', 'contracts.json'));
const recorded = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
const declared = declaredContracts();
const { breaks, news } = comparison(recorded, declared);

breaks.forEach((sentence) => console.error(sentence));
if (breaks.length > 0) {
  process.exitCode = 1;
} else if (values.record) {
  const { format } = await import('prettier');
  writeFileSync(file, await format(JSON.stringify(declared), { parser: 'json', printWidth: 110 }));
  console.log(`Recorded ${Object.keys(declared).length} contracts.`);
} else if (news.length > 0) {
  news.forEach((sentence) => console.error(sentence));
  console.error('Record what is new: npm run contracts:check -- --record');
  process.exitCode = 1;
} else {
  console.log(`${Object.keys(declared).length} contracts hold.`);
}
