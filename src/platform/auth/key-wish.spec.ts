import { keyWish, KeyWishError } from './key-wish';

describe('a key that is wished for at the command line', () => {
  it('needs a role only', () => {
    expect(keyWish({ role: 'admin' })).toEqual({
      role: 'admin',
      tenant: 'default',
      name: 'admin key',
      grants: [],
    });
  });

  it('takes everything else', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    const options = { role: 'producer', name: 'shop', tenant: 'acme', expires: '90d', queue: ['email'] };
    expect(keyWish({ ...options, grant: ['payloads:read@email'] }, now)).toEqual({
      role: 'producer',
      name: 'shop',
      tenant: 'acme',
      expiresAt: new Date('2026-04-01T00:00:00Z'),
      queues: ['email'],
      grants: ['payloads:read@email'],
    });
  });

  it.each([
    [{}, '--role'],
    [{ role: 'boss' }, '--role'],
    [{ role: 'admin', tenant: '../etc' }, '--tenant'],
    [{ role: 'admin', name: '' }, '--name'],
    [{ role: 'admin', expires: 'soon' }, '--expires'],
    [{ role: 'admin', expires: '0d' }, '--expires'],
    [{ role: 'admin', expires: '1999-01-01' }, '--expires'],
    [{ role: 'admin', queue: ['a b'] }, '--queue'],
    [{ role: 'admin', grant: ['everything'] }, '--grant'],
  ])('is refused as %j', (options, name) => {
    expect(() => keyWish(options)).toThrow(KeyWishError);
    expect(() => keyWish(options)).toThrow(name);
  });
});
