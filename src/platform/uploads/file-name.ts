const MAX_CHARACTERS = 255;
const FALLBACK = 'upload';

// Controls, and the marks that turn the direction of a text around so that a name can look like another.
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A caller's file name for display: without folders and invisible characters, at most 255 characters long. */
export function displayName(given: string | undefined): string {
  const base = (given ?? '').normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const shown = base.replaceAll(invisible, '').trim();
  const cut = firstCharacters(shown);
  return cut === '' || cut === '.' || cut === '..' ? FALLBACK : cut;
}

/** Never cuts between the two halves of one character. */
function firstCharacters(text: string): string {
  let kept = '';
  for (const character of text.slice(0, 2 * MAX_CHARACTERS)) {
    if (kept.length + character.length > MAX_CHARACTERS) break;
    kept += character;
  }
  return kept;
}
