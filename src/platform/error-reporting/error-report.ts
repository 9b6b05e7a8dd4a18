import { loggedError } from '../logging/logged-error';
import { describedError } from '../ledger/error-group';
import { redacted } from '../logging/redact';

const MAX_MESSAGE_CHARACTERS = 1_000;
const MAX_TAG_CHARACTERS = 200;

/** What goes out of a failure: texts and places in the code, never what a job or a request was given. */
export interface ErrorReport {
  readonly name: string;
  readonly message: string;
  /** Lines as V8 writes them, each beginning with `at`. */
  readonly places: readonly string[];
  /** What failures by the same fault share. */
  readonly fingerprint: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** Where a failure belongs: what it is grouped by, its tags, and the texts that it must not repeat. */
export interface ReportedPlace {
  readonly kind: 'job' | 'http' | 'worker';
  readonly group: readonly string[];
  readonly tags: Readonly<Record<string, string | number | undefined>>;
  readonly hidden?: readonly string[];
}

/** A report of at most 1,000 characters of message and 15 places, without what looks like a secret. Never throws. */
export function errorReport(thrown: unknown, { kind, group, tags, hidden = [] }: ReportedPlace): ErrorReport {
  const { name, message, code, stack } = told(thrown);
  // Of all it says, as the dead letter of the same failure has it.
  const { group: errorGroup } = describedError(name, thrown instanceof Error ? thrown.message : message);
  const all: ReportedPlace['tags'] = { kind, ...tags, code, errorGroup };
  return {
    name,
    message: clean(message, hidden).slice(0, MAX_MESSAGE_CHARACTERS),
    places: stack.map((line) => clean(line, hidden)),
    fingerprint: [kind, ...group, errorGroup],
    tags: Object.fromEntries(
      Object.entries(all).flatMap(([key, value]) =>
        value === undefined ? [] : [[key, redacted(String(value)).slice(0, MAX_TAG_CHARACTERS)]],
      ),
    ),
  };
}

interface Told {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  readonly stack: readonly string[];
}

function told(thrown: unknown): Told {
  if (!(thrown instanceof Error)) return { name: 'Error', message: 'It was no Error.', stack: [] };
  // Of its own message only: the causes of a job's error are in it, and have not been cleaned for themselves.
  const alone = Object.assign(new Error(thrown.message), {
    name: thrown.name,
    stack: thrown.stack ?? '',
    ...('severity' in thrown && { severity: '' }),
  });
  const { message, stack } = loggedError(alone) as { message: string; stack: string[] };
  const { code } = loggedError(thrown) as { code?: string };
  const name = thrown.name.slice(0, 100);
  return { name, message: message === '' ? name : message, code, stack };
}

function clean(text: string, hidden: readonly string[]): string {
  let result = text;
  for (const part of hidden) if (result.includes(part)) result = result.replaceAll(part, '•••');
  return redacted(result);
}
