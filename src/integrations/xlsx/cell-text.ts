/** A cell of Excel holds no more. */
export const MAX_CELL_CHARACTERS = 32_767;

// XML has no way to write these signs; `_x…_` is how OOXML (ECMA-376, ST_Xstring) does, so that it is written, too.
const special = /[&<>\p{Cc}\ufffe\uffff]|_x[0-9A-Fa-f]{4}_/u;
const everySpecial = /[&<>\p{Cc}\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)/gu;

const named: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\t': '\t', '\n': '\n' };

/** The text as the content of an XML element; a spreadsheet shows it as it was. */
export function escapedText(text: string): string {
  return special.test(text) ? text.replace(everySpecial, escapedSign) : text;
}

function escapedSign(sign: string): string {
  return named[sign] ?? `_x${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`;
}

/** What a cell can hold of the text; no character is cut in two. */
export function fittingText(text: string): string {
  if (text.length <= MAX_CELL_CHARACTERS) return text;
  const code = text.charCodeAt(MAX_CELL_CHARACTERS - 1);
  const isHalf = code >= 0xd800 && code <= 0xdbff;
  return text.slice(0, isHalf ? MAX_CELL_CHARACTERS - 1 : MAX_CELL_CHARACTERS);
}
