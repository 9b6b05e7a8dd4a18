import { digestOf, isKeyId, newKeyId, newSecret, provesOne, readKey, writeKey } from './api-key';

describe('a key', () => {
  it('is read as it was written, and no two are alike', () => {
    const key = { kid: newKeyId(), secret: newSecret() };
    expect(readKey(writeKey(key))).toEqual(key);
    expect(isKeyId(key.kid)).toBe(true);
    expect(new Set(Array.from({ length: 1_000 }, newSecret)).size).toBe(1_000);
  });

  it('goes through headers, paths and shells without quoting', () => {
    for (let count = 0; count < 200; count += 1) {
      expect(writeKey({ kid: newKeyId(), secret: newSecret() })).toMatch(/^[A-Za-z0-9._-]{59}$/);
    }
  });

  it.each([
    '',
    'hf_',
    'hf_aaaaaaaaaaaa',
    `hf_aaaaaaaaaaaa.${'x'.repeat(42)}`,
    `hf_aaaaaaaaaaaa.${'x'.repeat(44)}`,
  ])('is not found in "%.60s"', (text) => {
    expect(readKey(text)).toBeUndefined();
  });

  it('is proven by either of two secrets, and by no other', () => {
    const [old, current, other] = [newSecret(), newSecret(), newSecret()];
    const digests = [digestOf(current), digestOf(old)];
    expect([old, current, other].map((secret) => provesOne(secret, digests))).toEqual([true, true, false]);
    expect(provesOne(other, [])).toBe(false);
    expect(provesOne('', [])).toBe(false);
  });
});
