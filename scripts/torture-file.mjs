import { open } from 'node:fs/promises';

// Every how many rows a column is broken; primes, so that a row is seldom broken twice and never in the same way.
const mistakes = [
  { column: 'email', every: 97, rule: 'email', severity: 'error', spoil: () => 'nobody.example.org' },
  { column: 'score', every: 151, rule: 'max', severity: 'error', spoil: (row) => String(101 + (row % 50)) },
  { column: 'full_name', every: 211, rule: 'required', severity: 'error', spoil: () => '' },
  { column: 'joined', every: 307, rule: 'date', severity: 'error', spoil: () => '2024-02-31' },
  { column: 'status', every: 401, rule: 'enum', severity: 'warning', spoil: () => 'unheard-of' },
  { column: 'amount', every: 503, rule: 'precision', severity: 'error', spoil: () => '12.345' },
  { column: 'code', every: 601, rule: 'pattern', severity: 'error', spoil: (row) => `X${row}` },
  { column: 'member_id', every: 5003, rule: 'unique', severity: 'error', spoil: (row) => String(row - 1) },
];

const columns = ['member_id', 'code', 'full_name', 'email', 'joined', 'score', 'status', 'amount'];
const givenNames = ['Ada', 'Bela', 'Chloé', 'Dmitri', 'Esra', 'Femi', 'Grace', 'Hiro', 'Inés', 'Jon'];
const familyNames = ['Ångström', 'Berg', 'Castro', 'Diallo', 'Eriksen', 'Fischer', 'Garcia', 'Haddad'];
const statuses = ['active', 'paused', 'left'];
const rowsPerWrite = 10_000;

/** The rule set that finds exactly the planted mistakes. */
export const tortureRules = {
  name: 'torture',
  delimiter: ',',
  encoding: 'utf-8',
  columns: [
    { name: 'member_id', type: 'integer', required: true, unique: true },
    { name: 'code', pattern: 'M[0-9]{6}' },
    { name: 'full_name', required: true, maxLength: 80 },
    { name: 'email', type: 'email' },
    { name: 'joined', type: 'date', format: 'YYYY-MM-DD' },
    { name: 'score', type: 'integer', min: 0, max: 100 },
    { name: 'status', type: 'enum', values: statuses, severity: 'warning' },
    { name: 'amount', type: 'decimal', precision: 10, scale: 2 },
  ],
};

function two(number) {
  return String(number).padStart(2, '0');
}

function soundRow(row) {
  const given = givenNames[row % givenNames.length];
  return {
    member_id: String(row),
    code: `M${String(row % 1_000_000).padStart(6, '0')}`,
    full_name: `${given} ${familyNames[row % familyNames.length]}`,
    email: `member${row}@example.org`,
    joined: `20${two(row % 25)}-${two(1 + (row % 12))}-${two(1 + (row % 28))}`,
    score: String(row % 101),
    status: statuses[row % statuses.length],
    amount: `${row % 90_000}.${two(row % 100)}`,
  };
}

function spoil(cells, row, counts) {
  let isInvalid = false;
  for (const mistake of mistakes) {
    if (row % mistake.every !== 0) continue;
    cells[mistake.column] = mistake.spoil(row);
    counts.set(mistake, counts.get(mistake) + 1);
    isInvalid ||= mistake.severity === 'error';
  }
  return isInvalid;
}

/** Writes a file with the same content for the same number of rows; resolves with what its validation must find. */
export async function writeTortureFile(path, rows) {
  const counts = new Map(mistakes.map((mistake) => [mistake, 0]));
  let invalid = 0;
  const file = await open(path, 'w');
  try {
    let text = `${columns.join(',')}\n`;
    for (let row = 1; row <= rows; row++) {
      const cells = soundRow(row);
      if (spoil(cells, row, counts)) invalid++;
      text += `${columns.map((column) => cells[column]).join(',')}\n`;
      if (row % rowsPerWrite === 0 || row === rows) {
        await file.write(text);
        text = '';
      }
    }
  } finally {
    await file.close();
  }
  const findings = mistakes.map((mistake) => ({
    rule: mistake.rule,
    column: mistake.column,
    severity: mistake.severity,
    count: counts.get(mistake),
  }));
  return {
    rows: { read: rows, valid: rows - invalid, invalid },
    findings: findings.filter(({ count }) => count > 0),
  };
}
