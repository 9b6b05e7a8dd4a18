/** A private store could not be found, started, adopted or stopped; the message is one sentence with the way out. */
export class PrivateStoreError extends Error {
  override readonly name = 'PrivateStoreError';
}
