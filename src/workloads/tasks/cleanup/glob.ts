const MAX_CHARACTERS = 200;
// With the limit above a comparison takes microseconds whatever the name is; nobody needs more.
const MAX_WILDCARDS = 16;
const ANY_FOLDERS = '**';

/** What is wrong with a pattern, as the end of a sentence that begins with its field; undefined for none. */
export function faultOfGlob(pattern: string): string | undefined {
  if (pattern.length === 0 || pattern.length > MAX_CHARACTERS) {
    return `must have 1 to ${MAX_CHARACTERS} characters`;
  }
  if (pattern.includes('\0') || !pattern.isWellFormed())
    return 'must be whole Unicode characters without NUL';
  // Other globs give them a meaning: taken as they are they would silently match something else.
  if (['[', ']', '{', '}', '\\'].some((sign) => pattern.includes(sign))) {
    return 'must be of *, ? and ** only: write ? for a bracket, a brace or a backslash';
  }
  const folders = pattern.split('/');
  if (folders.some((folder) => folder === '' || folder === '.' || folder === '..')) {
    return 'must be relative, with one "/" between its parts, without "." and ".."';
  }
  if (folders.some((folder) => folder !== ANY_FOLDERS && folder.includes('**'))) {
    return 'must have ** as a part of its own, such as **/*.log';
  }
  if ([...pattern].filter((sign) => sign === '*' || sign === '?').length > MAX_WILDCARDS) {
    return `must have at most ${MAX_WILDCARDS} of * and ?`;
  }
  return undefined;
}

/**
 * Whether a path matches a pattern: one without a `/` its last name, any other the path as a whole. `*` and `?` match
 * within a name, a leading dot as well; `**` any number of folders. There is no regular expression, and the time it
 * takes is at most the product of both lengths.
 */
export function matchesGlob(pattern: string, path: readonly string[]): boolean {
  if (!pattern.includes('/') && pattern !== ANY_FOLDERS) return matchesName(pattern, path.at(-1) ?? '');
  const parts = pattern.split('/');
  return matches(parts, path, (part) => part === ANY_FOLDERS, matchesName);
}

function matchesName(pattern: string, name: string): boolean {
  return matches(
    [...pattern],
    [...name],
    (sign) => sign === '*',
    (sign, character) => sign === '?' || sign === character,
  );
}

/**
 * A wildcard first takes nothing, and one more each time the rest fails. Only the last wildcard has to be tried again:
 * whatever an earlier one could take, the later one can as well.
 */
function matches(
  pattern: readonly string[],
  subject: readonly string[],
  isWild: (token: string) => boolean,
  isSame: (token: string, item: string) => boolean,
): boolean {
  let at = 0;
  let item = 0;
  let wildAt = -1;
  let wildUntil = 0;
  while (item < subject.length) {
    const token = pattern[at];
    if (token !== undefined && isWild(token)) {
      wildAt = at;
      wildUntil = item;
      at += 1;
    } else if (token !== undefined && isSame(token, subject[item]!)) {
      at += 1;
      item += 1;
    } else if (wildAt >= 0) {
      wildUntil += 1;
      item = wildUntil;
      at = wildAt + 1;
    } else return false;
  }
  while (at < pattern.length && isWild(pattern[at]!)) at += 1;
  return at === pattern.length;
}
