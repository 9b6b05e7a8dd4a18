// npm run bench: every benchmark of this folder, one after the other; writes benchmarks/RESULTS.md.
import { readdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setUpOrExit } from '../scripts/setup.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const [only = ''] = process.argv.slice(2);

const shown = (value) => (value >= 1_000 ? Math.round(value).toLocaleString('en') : value.toFixed(2));

/** One line per measure: least, median and most of all rounds. */
function table({ title, measured, notes }) {
  const lines = Object.keys(measured[0]).map((measure) => {
    const values = measured.map((round) => round[measure]).toSorted((a, b) => a - b);
    const spread = [values[0], values[Math.floor(values.length / 2)], values.at(-1)];
    return `| ${[measure, ...spread.map(shown)].join(' | ')} |`;
  });
  return [
    `## ${title}`,
    '',
    '| measure | min | median | max |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
    ...notes.map((note) => `- ${note}`),
    '',
  ].join('\n');
}

await setUpOrExit({ build: true });
const tables = [];
for (const name of readdirSync(here).filter((file) => file.endsWith('.bench.mjs') && file.includes(only))) {
  try {
    const { run } = await import(`./${name}`);
    const text = table(await run());
    console.log(text);
    tables.push(text);
  } catch (error) {
    // The others are worth their time all the same.
    console.error(`${name} failed: ${error.stack}`);
    process.exitCode = 1;
  }
}
const machine = `Node ${process.version}, ${cpus().length} cores. Only the ratios, taken in one run, mean anything elsewhere.`;
if (only === '' && tables.length > 0)
  writeFileSync(`${here}RESULTS.md`, `# Results of \`npm run bench\`\n\n${machine}\n\n${tables.join('\n')}`);
