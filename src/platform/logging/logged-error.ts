import { stdSerializers } from 'pino';
import { redacted } from './redact';

const MAX_MESSAGE_CHARACTERS = 500;
const MAX_STACK_LINES = 15;
const MAX_STACK_LINE_CHARACTERS = 300;
const MAX_CAUSES = 5;

/**
 * What a log line keeps of an error: type, message, code and places in the code, all of them bounded.
 * drizzle lists what its query was given and PostgreSQL quotes what it refuses; that may be a caller's, and is left out.
 */
export function loggedError(given: unknown): unknown {
  // pino-http hands over what pino has made of the error, with the error itself under `raw`.
  const error = (given as { raw?: unknown } | null | undefined)?.raw ?? given;
  if (typeof error === 'string') return redacted(error.slice(0, MAX_MESSAGE_CHARACTERS));
  if (!(error instanceof Error)) return error;
  const { type, stack } = stdSerializers.err(error);
  const chain = causesOf(error);
  return {
    type,
    message: redacted(chain.map(speakable).filter(Boolean).join(': ').slice(0, MAX_MESSAGE_CHARACTERS)),
    code: chain.map(codeOf).find((code) => code !== undefined),
    stack: stack
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .slice(0, MAX_STACK_LINES)
      .map((line) => line.trim().slice(0, MAX_STACK_LINE_CHARACTERS)),
  };
}

function causesOf(error: Error): Error[] {
  const chain: Error[] = [];
  for (let current: unknown = error; current instanceof Error && chain.length < MAX_CAUSES;) {
    chain.push(current);
    current = current.cause;
  }
  return chain;
}

/** Only errors of PostgreSQL carry a severity; their code says as much as may be said. */
function speakable(error: Error): string | undefined {
  return 'severity' in error ? undefined : error.message.split('\nparams:', 1)[0];
}

function codeOf(error: Error): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code.slice(0, 100) : undefined;
}
