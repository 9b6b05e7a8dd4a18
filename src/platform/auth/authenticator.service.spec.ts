import { readSettings } from '../../config/read-settings';
import type { ApiKeyStore } from './api-key.store';
import { ApiKeys } from './api-keys.service';
import { Authenticator } from './authenticator.service';
import { KeyPresence } from './key-presence.service';
import type { SessionStore } from './session.store';
import { SharedKeys } from './shared-keys.service';
import { Sessions } from './sessions.service';
import { TokenVerifier } from './token-verifier.service';

const key = 'schlüssel: mit Leerzeichen';
const utf8 = (text: string) => Buffer.from(text).toString('latin1');
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

function authenticatorOf(environment: Record<string, string>): Authenticator {
  const settings = readSettings({ NODE_ENV: 'test', ...environment });
  const none = { hasEverHadOne: async () => false, find: async () => undefined };
  const keys = new ApiKeys(none as unknown as ApiKeyStore);
  const presence = new KeyPresence(settings, none as unknown as ApiKeyStore);
  const sessions = {
    find: async () => undefined,
    signingSecret: async (one: string) => one,
  } as unknown as SessionStore;
  return new Authenticator(
    settings,
    presence,
    keys,
    new TokenVerifier(settings),
    new Sessions(settings, sessions, keys, new SharedKeys(sessions)),
  );
}

describe('the key of the settings', () => {
  const authenticator = authenticatorOf({ HOLDFAST_BOOTSTRAP_KEY: key });

  it.each([`Bearer ${utf8(key)}`, `bearer ${utf8(key)}`])('is taken from %s', async (authorization) => {
    expect((await authenticator.authenticate({ authorization }))?.principal).toMatchObject({
      id: 'bootstrap',
      role: 'admin',
      tenant: 'default',
    });
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer wrong',
    `Bearer ${utf8(key)}x`,
    `Bearer ${utf8(key).slice(1)}`,
    utf8(key),
    `Token ${utf8(key)}`,
    basic(`:${key}`),
    basic(key),
    `Bearer ${'x'.repeat(10_000)}`,
    'Bearer \u0000',
    'Bearer a.b.c',
    `Bearer hf_aaaaaaaaaaaa.${'x'.repeat(43)}`,
  ])('is not found in %.40s', async (authorization) => {
    expect(
      await authenticator.authenticate(authorization === undefined ? {} : { authorization }),
    ).toBeUndefined();
  });

  it('is not needed where there is none', async () => {
    const open = await authenticatorOf({}).authenticate({});
    expect(open?.principal).toMatchObject({ id: 'local', role: 'admin' });
  });

  it.each(['', 'x', 'a.b', `${'x'.repeat(43)}.${'y'.repeat(43)}`])('is no session "%.20s"', async (token) => {
    expect(await authenticator.authenticate({ cookie: `holdfast_session=${token}` })).toBeUndefined();
  });
});
