import { errorFingerprint } from './error-fingerprint';

describe('the fingerprint of an error', () => {
  it.each([
    ['user 17 is not known', 'user 4,711 is not known'],
    ['cannot read /var/lib/a/b.csv', 'cannot read /tmp/x'],
    ['no such file "a.csv"', 'no such file "b.csv"'],
    ['run 0b0e7f6e-9f1c-4a54-8d1e-0b6f0f3a1c11 is gone', 'run 7b0e7f6e-9f1c-4a54-8d1e-0b6f0f3a1c99 is gone'],
    ['job mail_7Wm2Q0-fVq1bGkz9yXcA3w failed', 'job mail_aaaaaaaaaaaaaaaaaaaa11 failed'],
    ['GET http://a.example/1?x=2 timed out', 'GET https://b.example/ timed out'],
  ])('is the same for %j and %j', (one, other) => {
    expect(errorFingerprint('Error', one)).toBe(errorFingerprint('Error', other));
  });

  it('differs with the words and with the class', () => {
    const fingerprints = [
      errorFingerprint('Error', 'the user is not known'),
      errorFingerprint('Error', 'the order is not known'),
      errorFingerprint('TypeError', 'the user is not known'),
    ];
    expect(new Set(fingerprints).size).toBe(3);
    expect(fingerprints[0]).toMatch(/^[0-9a-f]{16}$/);
  });

  it('takes a bounded part of a message of any length', () => {
    expect(errorFingerprint('Error', 'x '.repeat(1_000_000))).toBe(
      errorFingerprint('Error', 'x '.repeat(400)),
    );
  });
});
