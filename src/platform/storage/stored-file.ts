/** Where a file lies below the storage root: what it is for, whose it is, and a name that the server chose. */
export interface StoredFile {
  readonly purpose: string;
  readonly tenant: string;
  readonly name: string;
}

/** A part of a storage key that could lead anywhere but to the file it names. */
export class StorageKeyError extends Error {
  constructor() {
    super('A storage key is made of letters, digits, dashes, underscores and single dots only.');
    this.name = 'StorageKeyError';
  }
}

const part = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\.[A-Za-z0-9_-]{1,100}){0,3}$/;

/** Whether every part is a plain name. */
export function isStorable({ purpose, tenant, name }: StoredFile): boolean {
  return [purpose, tenant, name].every((text) => part.test(text));
}

/** The parts of a key as path segments. Throws {@link StorageKeyError} for whatever is not a plain name. */
export function segmentsOf(file: StoredFile): [string, string, string] {
  if (!isStorable(file)) throw new StorageKeyError();
  return [file.purpose, file.tenant, file.name];
}
