/** There is no room for the job now; `retryAfterSeconds` is when there will be, as far as one can tell. */
export class QueueFullError extends Error {
  constructor(
    message: string,
    readonly retryAfterSeconds: number,
  ) {
    super(message);
    this.name = 'QueueFullError';
  }
}

/** Redis would lose the job: it must be set right first. */
export class StorageUnsafeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StorageUnsafeError';
  }
}
