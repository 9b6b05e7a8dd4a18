// Every regular expression of src and scripts is safe by recheck, recorded as such, or has a reason below it.
// --record checks all anew and writes the record; --root names another tree.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import ts from 'typescript';

// Its other backends are programs of their own.
process.env.RECHECK_BACKEND = 'pure';
const { check } = await import('recheck');

const home = resolve(fileURLToPath(import.meta.url), '../..');
const { values } = parseArgs({ options: { record: { type: 'boolean' }, root: { type: 'string' } } });
const root = resolve(values.root ?? home);
const recordFile = join(home, 'test/architecture/regular-expressions.json');
const { version, safe = [], reasons = {} } = JSON.parse(readFileSync(recordFile, 'utf8'));
const installed = JSON.parse(readFileSync(join(home, 'node_modules/recheck/package.json'), 'utf8')).version;
const known = new Set(version === installed && !values.record ? safe : []);

/**
 * The expression of a literal, or of `RegExp` with a text. One that is put together at run time cannot be checked, and
 * stands here as it is written, so that it needs a reason.
 */
function expressionOf(node) {
  if (ts.isRegularExpressionLiteral(node)) return node.text;
  const isCall =
    (ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp';
  if (!isCall) return undefined;
  const [text, flags] = node.arguments ?? [];
  if (text === undefined || !ts.isStringLiteralLike(text)) return node.getText().replace(/\s+/g, ' ');
  return `/${text.text}/${flags && ts.isStringLiteralLike(flags) ? flags.text : ''}`;
}

function expressionsIn(file) {
  const found = [];
  const visit = (node) => {
    const expression = expressionOf(node);
    if (expression !== undefined) found.push({ file, expression });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true));
  return found;
}

const files = ['src', 'scripts']
  .filter((directory) => existsSync(join(root, directory)))
  .flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: true }).map((file) => join(directory, file)),
  )
  .filter((file) => /\.(ts|mjs|cjs)$/.test(file) && !file.endsWith('.spec.ts'));
const all = files.flatMap(expressionsIn);
const verdicts = new Map();
for (const { expression } of all) {
  if (verdicts.has(expression) || expression in reasons) continue;
  if (!expression.startsWith('/')) {
    verdicts.set(expression, 'put together at run time');
    continue;
  }
  const end = expression.lastIndexOf('/');
  const verdict = known.has(expression)
    ? { status: 'safe' }
    : await check(expression.slice(1, end), expression.slice(end + 1), { timeout: 10_000 });
  verdicts.set(expression, verdict.status);
}
const bad = all.filter(({ expression }) => !(expression in reasons) && verdicts.get(expression) !== 'safe');
for (const { file, expression } of bad)
  console.error(`${file}: ${expression} is ${verdicts.get(expression)}.`);
if (bad.length > 0) {
  console.error(
    'Write it otherwise, or give the reason why its input is bounded in regular-expressions.json.',
  );
  process.exitCode = 1;
} else if (values.record) {
  const found = all.map(({ expression }) => expression).filter((expression) => verdicts.has(expression));
  writeFileSync(
    recordFile,
    `${JSON.stringify({ version: installed, safe: [...new Set(found)], reasons }, null, 2)}\n`,
  );
}
console.log(
  `${new Set(all.map(({ expression }) => expression)).size} regular expressions in ${files.length} files.`,
);
