import { SharedKeys } from '../auth/shared-keys.service';
import type { SessionStore } from '../auth/session.store';
import { DatabaseUnavailableError } from '../database/database-unavailable.error';
import { BodyPrints } from './body-prints.service';

const printsOf = (signingSecret: () => Promise<string>) =>
  new BodyPrints(new SharedKeys({ signingSecret } as unknown as SessionStore));
const shared = () => printsOf(async () => 'the secret of all processes');

describe('what is kept of a body', () => {
  it('is the same in all processes, and says nothing to whoever has not their secret', async () => {
    const print = await shared().of('a fingerprint');
    expect(print).toMatch(/^k1\.[\w-]{22}$/);
    expect(await shared().of('a fingerprint')).toBe(print);
    expect(await shared().of('another one')).not.toBe(print);
    expect(await printsOf(async () => 'a guess').of('a fingerprint')).not.toBe(print);
  });

  it('tells another body from the same one', async () => {
    const prints = shared();
    const print = await prints.of('a fingerprint');
    expect(await prints.isOther(print, 'a fingerprint')).toBe(false);
    expect(await prints.isOther(print, 'another one')).toBe(true);
    expect(await prints.isOther('', 'another one')).toBe(false);
    expect(await prints.isOther(print, '')).toBe(false);
  });

  it('of a release before is compared as it was made', async () => {
    expect(await shared().isOther('a bare fingerprint', 'a bare fingerprint')).toBe(false);
    expect(await shared().isOther('a bare fingerprint', 'another one')).toBe(true);
  });

  it('is nothing while the key cannot be had, which is asked for again later', async () => {
    let asked = 0;
    const prints = printsOf(async () => {
      asked += 1;
      throw new DatabaseUnavailableError('away');
    });
    expect([await prints.of('one'), await prints.of('one')]).toEqual(['', '']);
    expect(asked).toBe(1);
    expect(await prints.isOther(await shared().of('one'), 'two')).toBe(false);
  });
});
