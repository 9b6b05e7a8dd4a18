import { allows, allowsSomewhere, isGrant, isTenant, permissions, roles, type Rights } from './permissions';

const rights = (given: Partial<Rights>): Rights => ({ tenant: 'default', grants: [], ...given });

describe('what a key may do', () => {
  it('grows with its role', () => {
    const counts = roles.map((role) => permissions.filter((one) => allows(rights({ role }), one)).length);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(new Set(counts).size).toBe(roles.length);
    expect(counts.at(-1)).toBe(permissions.length);
  });

  it('shows payloads to administrators only, unless it is granted', () => {
    expect(roles.filter((role) => allows(rights({ role }), 'payloads:read'))).toEqual(['admin']);
    expect(allows(rights({ role: 'viewer', grants: ['payloads:read'] }), 'payloads:read')).toBe(true);
  });

  it('is nothing without a role and a grant', () => {
    expect(permissions.filter((one) => allowsSomewhere(rights({}), one))).toEqual([]);
  });

  it('ends at the queues it is limited to', () => {
    const limited = rights({ role: 'admin', queues: ['email'] });
    expect(allows(limited, 'jobs:write', 'email')).toBe(true);
    expect(allows(limited, 'jobs:write', 'default')).toBe(false);
    expect(allows(limited, 'jobs:write')).toBe(false);
    expect(allowsSomewhere(limited, 'jobs:write')).toBe(true);
    // Otherwise it would make itself a key without the limit.
    expect(allowsSomewhere(limited, 'keys:manage')).toBe(false);
    expect(allowsSomewhere(limited, 'queues:manage')).toBe(false);
    expect(allows(limited, 'docs:read')).toBe(true);
  });

  it('is a single permission on a single queue by a grant', () => {
    const granted = rights({ role: 'viewer', grants: ['jobs:write@email'] });
    expect(allows(granted, 'jobs:write', 'email')).toBe(true);
    expect(allows(granted, 'jobs:write', 'default')).toBe(false);
    expect(allows(granted, 'jobs:write')).toBe(false);
    expect(allows(granted, 'jobs:manage', 'email')).toBe(false);
    expect(allowsSomewhere(granted, 'jobs:write')).toBe(true);
  });

  it('touches the whole server in the home tenant alone', () => {
    const other = rights({ role: 'admin', tenant: 'acme', grants: ['queues:manage'] });
    for (const one of ['queues:manage', 'queues:destroy', 'dashboard:read'] as const) {
      expect([one, allows(other, one)]).toEqual([one, false]);
    }
    expect(allows(other, 'keys:manage')).toBe(true);
  });

  it.each(['jobs:write', 'jobs:write@email', 'payloads:read@a_b-c'])('has the grant %s', (text) => {
    expect(isGrant(text)).toBe(true);
  });

  it.each([
    '',
    'jobs',
    'jobs:fly',
    'jobs:write@',
    'jobs:write@a@b',
    'keys:manage@email',
    'toString',
    'jobs:write@a b',
  ])('has no grant "%s"', (text) => {
    expect(isGrant(text)).toBe(false);
  });

  it.each(['', 'A', '-a', 'a/b', '..', 'a'.repeat(41), 'a.b'])('belongs to no tenant "%s"', (text) => {
    expect(isTenant(text)).toBe(false);
  });
});
