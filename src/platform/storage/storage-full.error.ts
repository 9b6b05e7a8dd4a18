/** The disk has no room for the file; nothing of it is left behind. */
export class StorageFullError extends Error {
  constructor(options?: ErrorOptions) {
    super('The storage has no room left for this file.', options);
    this.name = 'StorageFullError';
  }
}

const codes = new Set(['ENOSPC', 'EDQUOT']);

/** Whether an error of the file system means that a disk or a quota is full. */
export function isDiskFull(error: unknown): boolean {
  return (
    error instanceof StorageFullError ||
    (error instanceof Error && codes.has((error as NodeJS.ErrnoException).code ?? ''))
  );
}
