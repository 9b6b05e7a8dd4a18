import { problem } from '../problems/problem-catalogue';

const MAX_CURSOR_CHARACTERS = 400;

/** Where the next page begins, opaque to the caller. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** The position in a cursor, once its parts have the types that are expected. Throws `cursor_invalid`. */
export function decodeCursor<T extends readonly ('string' | 'number')[]>(
  cursor: string,
  ...types: T
): { [I in keyof T]: T[I] extends 'string' ? string : number } {
  const position = parse(cursor);
  if (
    !Array.isArray(position) ||
    position.length !== types.length ||
    !position.every((part, index) => typeof part === types[index])
  ) {
    throw problem('cursor_invalid');
  }
  return position as never;
}

/** The Link header of a page that is not the last one. */
export function nextLink(path: string, query: object, cursor: string): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
  search.set('cursor', cursor);
  return `<${path}?${search.toString()}>; rel="next"`;
}

function parse(cursor: string): unknown {
  if (cursor.length > MAX_CURSOR_CHARACTERS) return undefined;
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
