import { formsOf } from '../logging/redact';

// Shorter ones are words, such as csv or high, that a message may use by itself.
const MIN_CHARACTERS = 6;
// A message that is reported is not longer.
const MAX_CHARACTERS = 1_000;
const MAX_TEXTS = 1_000;
const MAX_DEPTH = 8;

/** The texts of a payload, longest first, in the forms in which a message may repeat them: at most 1,000 of them. */
export function payloadTexts(payload: unknown): readonly string[] {
  const found = new Set<string>();
  gather(payload, found, MAX_DEPTH);
  return [...found].flatMap(formsOf).toSorted((one, other) => other.length - one.length);
}

function gather(value: unknown, found: Set<string>, depth: number): void {
  if (found.size >= MAX_TEXTS) return;
  if (typeof value === 'string') {
    if (value.length >= MIN_CHARACTERS && value.length <= MAX_CHARACTERS) found.add(value);
    return;
  }
  if (typeof value !== 'object' || value === null || depth === 0) return;
  for (const one of Object.values(value)) gather(one, found, depth - 1);
}
