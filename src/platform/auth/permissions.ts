/** From the least to the most: each role may do what those before it may. */
export const roles = ['viewer', 'producer', 'operator', 'admin'] as const;

export type KeyRole = (typeof roles)[number];

/** The tenant whose people run the server, and that of whoever names none. */
export const HOME_TENANT = 'default';

interface Rule {
  /** The first role that may. */
  readonly least: KeyRole;
  /**
   * How far it reaches. `queue`: a key that is limited to some queues may do it there. `tenant`: only a key that is not
   * limited. `server`: it touches the jobs of every tenant, so only the home tenant's unlimited keys. `pages`: any key.
   */
  readonly reach: 'queue' | 'tenant' | 'server' | 'pages';
}

/** Everything that can be allowed, once. */
const rules = {
  'docs:read': { least: 'viewer', reach: 'pages' },
  'jobs:read': { least: 'viewer', reach: 'queue' },
  'queues:read': { least: 'viewer', reach: 'queue' },
  'dashboard:read': { least: 'viewer', reach: 'server' },
  'jobs:write': { least: 'producer', reach: 'queue' },
  'jobs:manage': { least: 'operator', reach: 'queue' },
  'queues:manage': { least: 'operator', reach: 'server' },
  'queues:destroy': { least: 'admin', reach: 'server' },
  'notifications:read': { least: 'viewer', reach: 'queue' },
  'notifications:write': { least: 'producer', reach: 'queue' },
  'files:read': { least: 'viewer', reach: 'tenant' },
  'files:write': { least: 'producer', reach: 'tenant' },
  'files:manage': { least: 'operator', reach: 'tenant' },
  'payloads:read': { least: 'admin', reach: 'queue' },
  'metrics:read': { least: 'viewer', reach: 'server' },
  'audit:read': { least: 'admin', reach: 'tenant' },
  'keys:manage': { least: 'admin', reach: 'tenant' },
} as const satisfies Record<string, Rule>;

export type Permission = keyof typeof rules;

export const permissions = Object.keys(rules) as Permission[];

/** A permission beyond those of the role, everywhere or on one queue: `jobs:write`, `jobs:write@email`. */
export type Grant = Permission | `${Permission}@${string}`;

/** What decides about a request, apart from what it asks for. */
export interface Rights {
  readonly tenant: string;
  /** Nothing but the grants where it is missing. */
  readonly role?: KeyRole;
  /** The queues on which the role holds; every queue where it is missing. */
  readonly queues?: readonly string[];
  readonly grants: readonly Grant[];
}

/** Whether a permission holds on a queue; without a queue, whether it holds on all of them. */
export function allows(rights: Rights, permission: Permission, queue?: string): boolean {
  const { reach } = rules[permission];
  if (reach === 'server' && rights.tenant !== HOME_TENANT) return false;
  if (rights.grants.includes(permission)) return true;
  if (queue !== undefined && rights.grants.includes(`${permission}@${queue}`)) return true;
  if (!roleHas(rights, permission)) return false;
  if (rights.queues === undefined || reach === 'pages') return true;
  return reach === 'queue' && queue !== undefined && rights.queues.includes(queue);
}

/** Whether there is any queue on which a permission holds; what is asked before the queue is known. */
export function allowsSomewhere(rights: Rights, permission: Permission): boolean {
  if (allows(rights, permission)) return true;
  if (rules[permission].reach !== 'queue') return false;
  if (rights.grants.some((grant) => grant.startsWith(`${permission}@`))) return true;
  return roleHas(rights, permission) && (rights.queues ?? []).length > 0;
}

/** Whether a text is a grant; only what reaches single queues may name one. */
export function isGrant(text: string): text is Grant {
  const [permission = '', queue, ...rest] = text.split('@');
  if (!Object.hasOwn(rules, permission) || rest.length > 0) return false;
  if (queue === undefined) return true;
  return rules[permission as Permission].reach === 'queue' && isQueueName(queue);
}

export function isRole(text: unknown): text is KeyRole {
  return roles.includes(text as KeyRole);
}

/** Tenants are parts of file names and ids. */
export function isTenant(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,39}$/.test(text);
}

export function isQueueName(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,100}$/.test(text);
}

function roleHas({ role }: Rights, permission: Permission): boolean {
  return role !== undefined && roles.indexOf(role) >= roles.indexOf(rules[permission].least);
}
