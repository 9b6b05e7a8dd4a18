const NUL = /(?<!\\)((?:\\\\)*)\\u0000/g;
const surrogate = /\\ud[89a-f]/i;

/** The rows as JSON that PostgreSQL takes: its texts hold no NUL and no half of a surrogate pair. */
export function pgJson(rows: readonly object[]): string {
  const json = JSON.stringify(rows);
  const whole = surrogate.test(json) ? JSON.stringify(rows, wellFormed) : json;
  return whole.includes('\\u0000') ? whole.replace(NUL, '$1\\ufffd') : whole;
}

function wellFormed(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? Buffer.from(value, 'utf8').toString('utf8') : value;
}
