import { problem } from '../../platform/problems/problem-catalogue';
import type { QueueRegistry } from '../../platform/queue/queue-registry.service';

const PREFIX = 'payload.';
const MAX_FIELDS = 5;
const MAX_VALUE_CHARACTERS = 1_000;

/** The members of a query that ask for payload fields, by field, and all the others. */
export function splitPayload(query: Readonly<Record<string, unknown>>): {
  payload: Record<string, unknown>;
  others: Record<string, unknown>;
} {
  const isPayload = ([name]: [string, unknown]) => name.startsWith(PREFIX);
  const entries = Object.entries(query);
  return {
    payload: Object.fromEntries(
      entries.filter(isPayload).map(([name, value]) => [name.slice(PREFIX.length), value]),
    ),
    others: Object.fromEntries(entries.filter((entry) => !isPayload(entry))),
  };
}

/** The payload fields asked for, once they are known to be searchable. Throws a 400 that names those that exist. */
export function searchablePayload(
  registry: QueueRegistry,
  type: string | undefined,
  payload: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const known = new Set(
    registry
      .types()
      .filter((one) => type === undefined || one.type === type)
      .flatMap(({ job }) => job.searchable ?? []),
  );
  const errors = Object.entries(payload).flatMap(([field, value], index) => {
    const detail = refusalOf(known, field, value, index);
    return detail === undefined
      ? []
      : [{ pointer: `?${PREFIX}${field.slice(0, 100)}`, detail, code: 'not_searchable' }];
  });
  if (errors.length > 0) throw problem('query_invalid', { errors: errors.slice(0, 20) });
  return payload as Record<string, string>;
}

function refusalOf(
  known: ReadonlySet<string>,
  field: string,
  value: unknown,
  index: number,
): string | undefined {
  if (!known.has(field)) {
    return known.size === 0
      ? 'is not searchable: no such job type declares searchable fields'
      : `is not searchable; searchable are ${[...known].slice(0, 20).join(', ')}`;
  }
  if (index >= MAX_FIELDS) return `is one too many: at most ${MAX_FIELDS} payload fields`;
  if (typeof value !== 'string' || value.includes('\0') || value.length > MAX_VALUE_CHARACTERS) {
    return `must be one text of at most ${MAX_VALUE_CHARACTERS} characters without NUL`;
  }
  return undefined;
}
