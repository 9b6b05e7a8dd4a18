/** The set-up cannot go on; the message is one sentence with the way out. */
export class SetupError extends Error {
  name = 'SetupError';
}
