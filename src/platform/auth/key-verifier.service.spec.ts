import { readSettings } from '../../config/settings';
import { KeyVerifier } from './key-verifier.service';

const key = 'schlüssel: mit Leerzeichen';
const utf8 = (text: string) => Buffer.from(text).toString('latin1');
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('the key', () => {
  const verifier = new KeyVerifier(readSettings({ NODE_ENV: 'test', HOLDFAST_BOOTSTRAP_KEY: key }));

  it.each([`Bearer ${utf8(key)}`, `bearer ${utf8(key)}`, basic(`:${key}`), basic(`somebody:${key}`)])(
    'is taken from %s',
    (header) => {
      expect(verifier.verify(header)).toEqual({ id: 'bootstrap', role: 'admin', tenant: 'default' });
    },
  );

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
    `Basic ${key}`,
    basic(key),
    basic(`${key}:`),
    `Bearer ${'x'.repeat(10_000)}`,
    'Bearer \u0000',
  ])('is not found in %.40s', (header) => {
    expect(verifier.verify(header)).toBeUndefined();
  });

  it('is not needed where none is set', () => {
    const open = new KeyVerifier(readSettings({ NODE_ENV: 'test' }));
    expect(open.hasKey).toBe(false);
    expect(open.verify(undefined)).toMatchObject({ id: 'local' });
  });
});
