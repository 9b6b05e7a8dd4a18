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

// The years 1 to 9999: PostgreSQL cannot read how JavaScript writes those before and after.
const EARLIEST_TIME = -62_135_596_800_000;
const LATEST_TIME = 253_402_300_799_999;

/**
 * The place in a cursor of a list that is ordered by a time and something beside it, which has to be what `isId` says.
 * Throws `cursor_invalid`.
 */
export function timePlaceIn(
  cursor: string,
  isId: (id: string) => boolean,
): { readonly at: Date; readonly id: string } {
  const [time, id] = decodeCursor(cursor, 'number', 'string');
  if (!Number.isInteger(time) || time < EARLIEST_TIME || time > LATEST_TIME || !isId(id)) {
    throw problem('cursor_invalid');
  }
  return { at: new Date(time), id };
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
