/** The sign that keeps a spreadsheet from running a cell as a formula. */
export const guard = 0x27;

const formulaStart = new Uint8Array(256);
for (const sign of '=+-@\t\r') formulaStart[sign.charCodeAt(0)] = 1;

/** 1 for the bytes with which a cell may begin that needs a closer look. */
export const guardedStart = formulaStart.slice();
guardedStart[guard] = 1;

const isNumberText = (bytes: Uint8Array, start: number, end: number) => {
  let digits = 0;
  let separators = 0;
  for (let i = bytes[start] === 43 || bytes[start] === 45 ? start + 1 : start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte >= 48 && byte <= 57) digits++;
    else if ((byte === 46 || byte === 44) && separators === 0) separators++;
    else return false;
  }
  return digits > 0;
};

/**
 * Whether a cell is written with an apostrophe in front: when a spreadsheet would take it for a formula (`= + - @`, tab or
 * CR first, and no plain number), and when it begins like a guarded cell itself, so that `isGuarded` is exactly the reverse.
 */
export function needsGuard(bytes: Uint8Array, start: number, end: number): boolean {
  if (start >= end || guardedStart[bytes[start]!] === 0) return false;
  if (bytes[start] === guard) return isGuarded(bytes, start, end);
  return !isNumberText(bytes, start, end);
}

/** Whether the first apostrophe of a cell is a guard, to be taken off when a report is uploaded again. */
export function isGuarded(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && bytes[at] === guard) at++;
  return at > start && at < end && formulaStart[bytes[at]!] === 1;
}
