/** Decides whether a cell's bytes have one of the well-known forms; every one of them reads the cell once. */
export type FormatTest = (bytes: Uint8Array, start: number, end: number) => boolean;

const isDigit = (byte: number) => byte >= 48 && byte <= 57;
const isLetter = (byte: number) => (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90);
const isHex = (byte: number) => isDigit(byte) || (byte >= 97 && byte <= 102) || (byte >= 65 && byte <= 70);

const dot = 46;
const hyphen = 45;
const at = 64;
const colon = 58;
const slash = 47;

const localLetters = new Uint8Array(256).fill(1, 128);
for (const sign of "!#$%&'*+/=?^_`{|}~-") localLetters[sign.charCodeAt(0)] = 1;
for (let byte = 48; byte < 123; byte++) if (isDigit(byte) || isLetter(byte)) localLetters[byte] = 1;

// What a byte can be in a host name: 0 nothing, 1 a letter (international ones too), 2 a digit, 3 a hyphen, 4 a dot.
const hostLetters = new Uint8Array(256).fill(1, 128);
for (let byte = 0; byte < 128; byte++) hostLetters[byte] = isLetter(byte) ? 1 : isDigit(byte) ? 2 : 0;
hostLetters[hyphen] = 3;
hostLetters[dot] = 4;

// An e-mail address as a table: from each state, every byte leads to the next one; 0 is "no address" for ever.
const state = {
  localStart: 1,
  local: 2,
  domainStart: 3,
  domain: 4,
  domainHyphen: 5,
  labelStart: 6,
  letter: 7,
  letters: 8,
  lettersHyphen: 9,
  digits: 10,
  digitsHyphen: 11,
} as const;
// States are kept times 256, ready to be added to the next byte.
const emailTable = new Uint16Array(12 * 256);
const lead = (from: number, bytes: (byte: number) => boolean, to: number) => {
  for (let byte = 0; byte < 256; byte++) if (bytes(byte)) emailTable[from * 256 + byte] = to * 256;
};
const isHostSign = (byte: number) => hostLetters[byte] === 1 || hostLetters[byte] === 2;
const is = (sign: number) => (byte: number) => byte === sign;
lead(state.localStart, (byte) => localLetters[byte] === 1, state.local);
lead(state.local, (byte) => localLetters[byte] === 1, state.local);
lead(state.local, is(dot), state.localStart);
lead(state.local, is(at), state.domainStart);
lead(state.domainStart, isHostSign, state.domain);
lead(state.labelStart, (byte) => hostLetters[byte] === 1, state.letter);
lead(state.labelStart, (byte) => hostLetters[byte] === 2, state.digits);
for (const [inside, more, hyphened] of [
  [state.domain, state.domain, state.domainHyphen],
  [state.letter, state.letters, state.lettersHyphen],
  [state.letters, state.letters, state.lettersHyphen],
  [state.digits, state.digits, state.digitsHyphen],
] as const) {
  lead(inside, isHostSign, more);
  lead(inside, is(hyphen), hyphened);
  lead(inside, is(dot), state.labelStart);
  lead(hyphened, isHostSign, more);
  lead(hyphened, is(hyphen), hyphened);
}

/** `local@domain.tld` as mail servers take it: dotted atoms, 64 + 253 bytes, international letters allowed, no quotes. */
export const isEmail: FormatTest = (bytes, start, end) => {
  if (end - start > 254) return false;
  // In a local variable: a constant of the module would be looked up for every byte.
  const table = emailTable;
  let reached = state.localStart * 256;
  for (let i = start; i < end; i++) reached = table[reached | bytes[i]!]!;
  if (reached !== state.letters * 256) return false;
  return end - start <= 64 || hasShortParts(bytes, start, end);
};

function hasShortParts(bytes: Uint8Array, start: number, end: number): boolean {
  let i = start;
  while (bytes[i] !== at) i++;
  return i - start <= 64 && readHost(bytes, i + 1, end) > 0;
}

/**
 * Reads labels of 1 to 63 letters, digits and inner hyphens between dots. -1 when they are not, 1 when there are several
 * and the last one begins with a letter and has a second sign, else 0.
 */
function readHost(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || end - start > 253) return -1;
  let labelStart = start;
  let previous = 4;
  for (let i = start; i < end; i++) {
    const kind = hostLetters[bytes[i]!]!;
    if (kind === 0) return -1;
    if (kind === 4) {
      if (previous >= 3 || i - labelStart > 63) return -1;
      labelStart = i + 1;
    } else if (kind === 3 && previous === 4) return -1;
    previous = kind;
  }
  if (previous >= 3 || end - labelStart > 63) return -1;
  return labelStart > start && end - labelStart >= 2 && hostLetters[bytes[labelStart]!] === 1 ? 1 : 0;
}

/** Absolute `http://` and `https://` addresses: host name or IP address, port, and a rest without spaces. */
export const isUrl: FormatTest = (bytes, start, end) => {
  const afterScheme = skipScheme(bytes, start, end);
  if (afterScheme < 0 || end - start > 2048) return false;
  let hostEnd = afterScheme;
  while (hostEnd < end && bytes[hostEnd] !== slash && bytes[hostEnd] !== 63 && bytes[hostEnd] !== 35)
    hostEnd++;
  for (let i = hostEnd; i < end; i++) {
    const byte = bytes[i]!;
    // Spaces, control characters, and the signs that an address never holds as they are: " < > \ ^ ` { | }.
    if (byte <= 32 || byte === 127 || byte === 34 || byte === 60 || byte === 62 || byte === 92) return false;
    if (byte === 94 || byte === 96 || (byte >= 123 && byte <= 125)) return false;
  }
  return isHostAndPort(bytes, afterScheme, hostEnd);
};

function skipScheme(bytes: Uint8Array, start: number, end: number): number {
  const scheme = 'http';
  for (let i = 0; i < scheme.length; i++) if ((bytes[start + i]! | 32) !== scheme.charCodeAt(i)) return -1;
  const i = start + ((bytes[start + 4]! | 32) === 115 ? 5 : 4);
  return i + 3 < end && bytes[i] === colon && bytes[i + 1] === slash && bytes[i + 2] === slash ? i + 3 : -1;
}

function isHostAndPort(bytes: Uint8Array, start: number, end: number): boolean {
  let hostEnd = end;
  if (bytes[start] === 91) {
    hostEnd = start + 1;
    while (hostEnd < end && (isHex(bytes[hostEnd]!) || bytes[hostEnd] === colon || bytes[hostEnd] === dot))
      hostEnd++;
    if (hostEnd - start < 3 || bytes[hostEnd] !== 93 || hostEnd >= end) return false;
    hostEnd++;
  } else {
    for (let i = start; i < end; i++) if (bytes[i] === colon) hostEnd = Math.min(hostEnd, i);
    if (readHost(bytes, start, hostEnd) < 0) return false;
  }
  if (hostEnd === end) return true;
  let port = 0;
  for (let i = hostEnd + 1; i < end; i++) {
    if (!isDigit(bytes[i]!)) return false;
    port = Math.min(port * 10 + bytes[i]! - 48, 100_000);
  }
  return bytes[hostEnd] === colon && port > 0 && port < 65_536;
}

/** Eight, four, four, four and twelve hexadecimal digits with hyphens between them. */
export const isUuid: FormatTest = (bytes, start, end) => {
  if (end - start !== 36) return false;
  for (let i = 0; i < 36; i++) {
    const byte = bytes[start + i]!;
    const isHyphenPlace = i === 8 || i === 13 || i === 18 || i === 23;
    if (isHyphenPlace ? byte !== hyphen : !isHex(byte)) return false;
  }
  return true;
};

/** Seven to fifteen digits (E.164) with `+` in front or none, grouped by single spaces, dots, hyphens, slashes or brackets. */
export const isPhone: FormatTest = (bytes, start, end) => {
  let digits = 0;
  let open = 0;
  let previousIsSign = false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (isDigit(byte)) {
      digits++;
      previousIsSign = false;
    } else if (byte === 43) {
      if (i !== start) return false;
    } else if (byte === 40) {
      if (open++ > 0) return false;
    } else if (byte === 41) {
      if (open !== 1) return false;
      open = 2;
    } else if (byte === 32 || byte === dot || byte === hyphen || byte === slash) {
      if (previousIsSign || digits === 0 || i === end - 1) return false;
      previousIsSign = true;
    } else return false;
  }
  return digits >= 7 && digits <= 15 && open !== 1;
};
