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

/** `local@domain.tld` as mail servers take it: dotted atoms, 64 + 254 bytes, international letters allowed, no quotes. */
export const isEmail: FormatTest = (bytes, start, end) => {
  if (end - start > 254) return false;
  let i = start;
  let previous = dot;
  for (; i < end && bytes[i] !== at; i++) {
    const byte = bytes[i]!;
    if (byte === dot ? previous === dot : localLetters[byte] === 0) return false;
    previous = byte;
  }
  if (i >= end || previous === dot || i - start > 64) return false;
  return isDomain(bytes, i + 1, end);
};

/** At least two labels; the last one begins with a letter. */
function isDomain(bytes: Uint8Array, start: number, end: number): boolean {
  const top = lastLabel(bytes, start, end);
  if (top <= start || end - top < 2) return false;
  const first = bytes[top]!;
  return (isLetter(first) || first > 127) && isHostName(bytes, start, end);
}

function lastLabel(bytes: Uint8Array, start: number, end: number): number {
  for (let i = end - 1; i >= start; i--) if (bytes[i] === dot) return i + 1;
  return start;
}

/** Labels of 1 to 63 letters, digits and inner hyphens between dots. */
function isHostName(bytes: Uint8Array, start: number, end: number): boolean {
  let labelStart = start;
  for (let i = start; i <= end; i++) {
    const byte = i === end ? dot : bytes[i]!;
    if (byte === dot) {
      if (i === labelStart || i - labelStart > 63 || bytes[i - 1] === hyphen || bytes[labelStart] === hyphen)
        return false;
      labelStart = i + 1;
    } else if (byte < 128 && !isLetter(byte) && !isDigit(byte) && byte !== hyphen) return false;
  }
  return end > start && end - start <= 253;
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
    if (!isHostName(bytes, start, hostEnd)) return false;
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
