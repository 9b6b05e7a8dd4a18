// Makes examples/members.csv: 10,000 members that nobody has ever met, and the errors planted among them.
// The same file every time; examples/members.planted.json says how often each rule is broken.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROWS = 10_000;
const header =
  'member_id,first_name,last_name,email,phone,birth_date,joined_on,left_on,plan,family_size,monthly_fee,newsletter,website,account_id,health_number,notes,legacy_code';
const firstNames =
  'Ada,Bruno,Chiara,Dimitri,Elif,Farid,Greta,Hugo,Ines,Jamal,Kaia,Lukas,Mira,Nils,Olga,Pavel,Quentin,Rosa,Sven,Tara,Ugo,Vera,Wim,Xenia,Yara,Zoltan,Åse,José,Zoë,Jörg'.split(
    ',',
  );
const lastNames =
  'Almeida,Bergström,Costa,Dubois,Eriksen,Fischer,García,Haugen,Ivanova,Jansen,Kowalski,Lindqvist,Moreau,Novak,O’Brien,Petrov,Quist,Rossi,Schäfer,Tanaka,Ulrich,Virtanen,Weber,Ximenes,Yilmaz,Zimmermann'.split(
    ',',
  );
const notes = [
  '',
  '',
  '',
  '',
  'prefers mornings',
  'pays cash, always on time',
  'asked for the "silver" locker',
  'trains with the juniors\nand helps on Sundays',
];

// A generator of our own, so that no version of anything changes the file.
let seed = 20_261_122;
function random(below) {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}
const pick = (list) => list[random(list.length)];
const two = (number) => String(number).padStart(2, '0');
const date = (from, years) => `${from + random(years)}-${two(1 + random(12))}-${two(1 + random(28))}`;
const hex = (length) => Array.from({ length }, () => random(16).toString(16)).join('');
const plain = (text) =>
  text
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase();

function member(index) {
  const first = pick(firstNames);
  const last = pick(lastNames);
  const plan = pick(['basic', 'basic', 'plus', 'family']);
  const joined = date(2005, 20);
  return {
    member_id: `M${String(100_000 + index)}`,
    first_name: first,
    // The number keeps two members from being the same person by chance.
    last_name: `${last}-${index}`,
    email: `${plain(first)}.${plain(last)}${index}@example.${pick(['com', 'org', 'net'])}`,
    phone: random(4) === 0 ? '' : `+49 30 5550${String(1_000 + random(9_000))}`,
    birth_date: date(1940, 70),
    joined_on: joined,
    left_on: random(10) === 0 ? `2026-${two(1 + random(9))}-${two(1 + random(28))}` : '',
    plan,
    family_size: plan === 'family' ? String(2 + random(5)) : '',
    monthly_fee: `${10 + random(80)}.${pick(['00', '50', '90'])}`,
    newsletter: pick(['yes', 'no']),
    website: random(12) === 0 ? `https://www.example.org/members/${index}` : '',
    account_id: `${hex(8)}-${hex(4)}-4${hex(3)}-${pick(['8', '9', 'a', 'b'])}${hex(3)}-${hex(12)}`,
    health_number: `${pick(['A', 'B', 'K', 'M', 'T'])}${String(100_000_000 + random(900_000_000))}`,
    notes: pick(notes),
    legacy_code: `L-${hex(6)}`,
  };
}

const quoted = (cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
const record = (cells) => Object.values(cells).map(quoted).join(',');

/** Each entry breaks one rule, in as many rows as `count` says; `line` may change the finished record. */
const plantings = [
  { rule: 'required', column: 'email', severity: 'error', count: 25, cells: { email: '' } },
  { rule: 'required', column: 'joined_on', severity: 'error', count: 10, cells: { joined_on: 'n/a' } },
  {
    rule: 'pattern',
    column: 'member_id',
    severity: 'error',
    count: 15,
    cells: (m) => ({ member_id: m.member_id.slice(1) }),
  },
  {
    rule: 'pattern',
    column: 'health_number',
    severity: 'error',
    count: 12,
    cells: { health_number: 'unknown' },
  },
  {
    rule: 'max_length',
    column: 'first_name',
    severity: 'error',
    count: 5,
    cells: { first_name: 'Maximiliana-Theodora-Wilhelmina-Augusta-Sophia' },
  },
  { rule: 'min_length', column: 'last_name', severity: 'error', count: 6, cells: { last_name: 'X' } },
  {
    rule: 'max_length',
    column: 'notes',
    severity: 'warning',
    count: 8,
    cells: { notes: 'wrote a long letter about the sauna '.repeat(6).trim() },
  },
  {
    rule: 'email',
    column: 'email',
    severity: 'error',
    count: 40,
    cells: (m) => ({ email: m.email.replace('@', ' at ') }),
  },
  { rule: 'phone', column: 'phone', severity: 'warning', count: 30, cells: { phone: 'call the office' } },
  { rule: 'date', column: 'birth_date', severity: 'error', count: 20, cells: { birth_date: '31.02.1984' } },
  { rule: 'min', column: 'birth_date', severity: 'error', count: 4, cells: { birth_date: '1899-12-31' } },
  { rule: 'max', column: 'birth_date', severity: 'error', count: 4, cells: { birth_date: '2025-05-05' } },
  { rule: 'enum', column: 'plan', severity: 'error', count: 18, cells: { plan: 'gold', family_size: '' } },
  {
    rule: 'integer',
    column: 'family_size',
    severity: 'error',
    count: 7,
    cells: { plan: 'plus', family_size: 'three' },
  },
  {
    rule: 'max',
    column: 'family_size',
    severity: 'error',
    count: 5,
    cells: { plan: 'family', family_size: '40' },
  },
  {
    rule: 'precision',
    column: 'monthly_fee',
    severity: 'error',
    count: 22,
    cells: { monthly_fee: '19.999' },
  },
  { rule: 'decimal', column: 'monthly_fee', severity: 'error', count: 8, cells: { monthly_fee: 'ten' } },
  { rule: 'min', column: 'monthly_fee', severity: 'error', count: 3, cells: { monthly_fee: '-5.00' } },
  { rule: 'boolean', column: 'newsletter', severity: 'error', count: 16, cells: { newsletter: 'maybe' } },
  {
    rule: 'url',
    column: 'website',
    severity: 'info',
    count: 14,
    cells: { website: 'www dot example dot org' },
  },
  { rule: 'uuid', column: 'account_id', severity: 'error', count: 9, cells: { account_id: '1234' } },
  {
    rule: 'comparison:leaves_after_joining',
    column: 'left_on',
    severity: 'error',
    count: 11,
    cells: { joined_on: '2020-06-01', left_on: '2019-06-01' },
  },
  {
    rule: 'condition:families_are_two',
    column: 'family_size',
    severity: 'error',
    count: 13,
    cells: { plan: 'family', family_size: '1' },
  },
  {
    rule: 'unique',
    column: 'member_id',
    severity: 'error',
    count: 12,
    cells: (m, before) => ({ member_id: before.member_id }),
  },
  {
    rule: 'unique:same_person',
    column: 'first_name',
    severity: 'warning',
    count: 10,
    cells: (m, before) => ({
      first_name: before.first_name,
      last_name: before.last_name,
      birth_date: before.birth_date,
    }),
  },
  {
    rule: 'too_few_cells',
    column: null,
    severity: 'error',
    count: 6,
    line: (text) => text.slice(0, text.lastIndexOf(',L-')),
  },
  { rule: 'too_many_cells', column: null, severity: 'error', count: 6, line: (text) => `${text},one more` },
  {
    rule: 'stray_quote',
    column: null,
    severity: 'warning',
    count: 4,
    cells: { notes: '' },
    line: (text) => text.replace(/,(L-[0-9a-f]+)$/, ',$1 "old"'),
  },
];

const members = Array.from({ length: ROWS }, (_, index) => member(index));
const lines = members.map(record);
const untouched = Array.from({ length: ROWS }, (_, index) => index);

/** A row that no planting has touched, so that each count is exact. */
function takeRow() {
  return untouched.splice(random(untouched.length), 1)[0];
}

for (const { count, cells, line } of plantings) {
  for (let planted = 0; planted < count; planted += 1) {
    const model = takeRow();
    // Repeated values are found in the later of two rows; the other one must stay as it is.
    const [earlier, row] =
      typeof cells === 'function' && cells.length > 1
        ? [model, takeRow()].toSorted((a, b) => a - b)
        : [undefined, model];
    const change = typeof cells === 'function' ? cells(members[row], members[earlier]) : cells;
    const text = record({ ...members[row], ...change });
    lines[row] = line === undefined ? text : line(text);
  }
}

const planted = plantings.map(({ rule, column, severity, count }) => ({ rule, column, severity, count }));
// The column that no rule knows.
planted.push({ rule: 'unknown_column', column: 'legacy_code', severity: 'info', count: 1 });

const at = (name) => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));
writeFileSync(at('members.csv'), `${header}\n${lines.join('\n')}\n`);
writeFileSync(at('members.planted.json'), `${JSON.stringify(planted, null, 2)}\n`);
