import type { DeadLetter } from './dead-letter-entry';

/** A dead letter that cannot run as it is; the message says what to do about it. */
export class RedriveRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RedriveRefusedError';
  }
}

/** What has to be known of a job that ended in the failed set to run it again. */
export type Returnable = Pick<
  DeadLetter,
  | 'id'
  | 'tenant'
  | 'queue'
  | 'jobId'
  | 'generation'
  | 'type'
  | 'payload'
  | 'editedPayload'
  | 'options'
  | 'cause'
  | 'createdAt'
  | 'finishedAt'
>;

/** What an edited payload may still refer to; nothing where nothing can be read. */
export function payloadAsFar(letter: Returnable): object {
  try {
    return payloadOf(letter);
  } catch {
    return {};
  }
}

/** The payload that a dead letter runs with next. Throws {@link RedriveRefusedError} where nothing can be read. */
export function payloadOf({ id, editedPayload, payload, type, cause }: Returnable): object {
  if (type === '')
    throw new RedriveRefusedError(`Nothing is left of the job of ${id}: it can only be discarded.`);
  // The consumer has put something that can be shown in the place of what it could not read.
  const isReadable = editedPayload !== null || (cause !== 'corrupt_data' && cause !== 'missing_data');
  try {
    const parsed: unknown = isReadable ? JSON.parse(editedPayload ?? payload) : undefined;
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // What is said below holds for both.
  }
  throw new RedriveRefusedError(
    `The payload of ${id} is not readable (${cause}): give it another one first.`,
  );
}
