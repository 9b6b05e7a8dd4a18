// What XML forbids and PostgreSQL refuses (U+0000); tabs and line ends stay.
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]+/g;

/** A text that can be stored anywhere: without control characters and halves of characters, `maxCharacters` at most. */
export function cleanText(text: string, maxCharacters: number): string {
  const cut = text.length > maxCharacters ? text.slice(0, maxCharacters) : text;
  const whole = cut.isWellFormed() ? cut : withoutHalves(cut);
  return control.test(whole) ? whole.replace(controls, '') : whole;
}

/** One line: every run of white space is a space, none at the ends; null when nothing is left. */
export function oneLine(text: string | undefined, maxCharacters: number): string | null {
  if (text === undefined) return null;
  const line = cleanText(text, maxCharacters * 2).trim();
  const single = /[\s\u00a0]{2}|[\t\n\r]/.test(line) ? line.replace(/[\s\u00a0]+/g, ' ') : line;
  return single === '' ? null : cleanText(single, maxCharacters);
}

function withoutHalves(text: string): string {
  return text.toWellFormed();
}
