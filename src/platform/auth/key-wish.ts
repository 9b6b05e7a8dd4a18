import type { NewApiKey } from './api-key.store';
import {
  HOME_TENANT,
  isGrant,
  isQueueName,
  isRole,
  isTenant,
  permissions,
  roles,
  type Grant,
} from './permissions';

const DAY_MS = 86_400_000;
const MAX_NAME_CHARACTERS = 100;

/** What a person asked for at the command line, still as text. */
export interface KeyOptions {
  readonly role?: string | undefined;
  readonly name?: string | undefined;
  readonly tenant?: string | undefined;
  readonly expires?: string | undefined;
  readonly 'requests-per-second'?: string | undefined;
  readonly 'jobs-per-minute'?: string | undefined;
  readonly queue?: readonly string[] | undefined;
  readonly grant?: readonly string[] | undefined;
}

/** A wish that cannot be met; the message says what may be written instead. */
export class KeyWishError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'KeyWishError';
  }
}

/** The key that the options describe. Throws {@link KeyWishError}. */
export function keyWish(options: KeyOptions, now = Date.now()): Omit<NewApiKey, 'kid' | 'createdBy'> {
  const { role, tenant = HOME_TENANT, queue = [], grant = [] } = options;
  const name = options.name ?? `${role ?? ''} key`;
  if (!isRole(role)) throw new KeyWishError(`--role must be one of ${roles.join(', ')}.`);
  if (!isTenant(tenant)) throw new KeyWishError('--tenant must be 1 to 40 small letters, digits or dashes.');
  if (name.length > MAX_NAME_CHARACTERS || !/^[^\p{Cc}\p{Cs}]+$/u.test(name)) {
    throw new KeyWishError(`--name must be text of 1 to ${MAX_NAME_CHARACTERS} characters.`);
  }
  if (!queue.every(isQueueName)) throw new KeyWishError('--queue must be the name of a queue.');
  const strange = grant.find((one) => !isGrant(one));
  if (strange !== undefined) {
    throw new KeyWishError(
      `--grant must be one of ${permissions.join(', ')}, with "@queue" behind it or without.`,
    );
  }
  return {
    role,
    tenant,
    name,
    grants: grant as readonly Grant[] as Grant[],
    ...(queue.length > 0 && { queues: [...queue] }),
    ...limit('requestsPerSecond', '--requests-per-second', options['requests-per-second']),
    ...limit('jobsPerMinute', '--jobs-per-minute', options['jobs-per-minute']),
    ...(options.expires !== undefined && { expiresAt: endOf(options.expires, now) }),
  };
}

function limit<Name extends string>(
  name: Name,
  option: string,
  text: string | undefined,
): Partial<Record<Name, number>> {
  if (text === undefined) return {};
  if (!/^\d{1,9}$/.test(text)) throw new KeyWishError(`${option} must be a whole number; 0 means no limit.`);
  return { [name]: Number(text) } as Record<Name, number>;
}

function endOf(text: string, now: number): Date {
  const [, days] = /^(\d{1,5})d$/.exec(text) ?? [];
  const end = days === undefined ? Date.parse(text) : now + Number(days) * DAY_MS;
  if (!Number.isFinite(end) || end <= now) {
    throw new KeyWishError(
      '--expires must be a number of days such as 90d, or a date to come such as 2030-01-31.',
    );
  }
  return new Date(end);
}
