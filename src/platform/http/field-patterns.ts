/** PostgreSQL has no text with a NUL in it. */
export const storable = /^[^\0]*$/;
export const storableSays = { message: '$property must be a text without NUL' };

/** What its JSON takes as well: neither a NUL nor half a character. */
export const wellFormed = /^[^\0\p{Cs}]*$/u;
export const wellFormedSays = { message: '$property must be a text without NUL and half characters' };

/** Without a zone, nobody can say which moment is meant. */
export const zoned = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/;
export const zonedSays = {
  message: '$property must be a date and a time with a time zone, such as 2030-01-31T08:00:00Z',
};
