import fc from 'fast-check';
import { hideInContext, withLogContext } from './correlation';
import { formsOf, redacted, withoutOpenSecrets, withoutSecretMembers } from './redact';

describe('redaction', () => {
  it.each([
    ['connect to redis://app:s3cret@db:6379/0 failed', 'connect to redis://•••@db:6379/0 failed'],
    ['Authorization: Bearer abc.def-ghi', 'Authorization: Bearer •••'],
    [`the key hf_abcdefghijkl.${'x'.repeat(43)} is unknown`, 'the key hf_abcdefghijkl.••• is unknown'],
    ['{"password":"hunter2","user":"me"}', '{"password":"•••","user":"me"}'],
    ["apiKey: 'k-123'", "apiKey: '•••'"],
    ['GET /x?token=abc&page=2', 'GET /x?token=•••&page=2'],
    ['/api/files/f/download?expires=1&signature=a-b', '/api/files/f/download?expires=1&signature=•••'],
  ])('hides what looks like a secret: %s', (text, expected) => {
    expect(redacted(text)).toBe(expected);
  });

  it.each([
    'Unexpected token } in JSON at position 3',
    'payload of job "x" is invalid: /password: must be longer than 8',
    'the password is wrong',
    'https://example.org/path is gone',
  ])('leaves a sentence alone that holds none: %s', (text) => {
    expect(redacted(text)).toBe(text);
  });

  it('hides whatever is secret in a job, in each form in which it can be written', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 4, maxLength: 40 });
    fc.assert(
      fc.property(text, text, (secret, around) => {
        const clean = withLogContext({ correlationId: 'x' }, () => {
          hideInContext(formsOf(secret));
          const line = JSON.stringify({ text: around + secret, json: JSON.stringify({ secret }) });
          return withoutOpenSecrets(`${line} ${encodeURIComponent(secret.toWellFormed())}`);
        });
        // A short text may stand beside it by chance, and in the marks that JSON needs.
        if (!around.includes(secret) && !'{"text":"json"secret}'.includes(secret)) {
          expect(clean).not.toContain(secret);
        }
      }),
    );
  });

  it('knows no secret outside of a job', () => {
    hideInContext(['nothing']);
    expect(withoutOpenSecrets('nothing happened')).toBe('nothing happened');
  });

  it('hides members that are named like secrets, and copies nothing else', () => {
    const line = { msg: 'x', request: { 'X-Api-Key': 'a', page: 1 } };
    expect(withoutSecretMembers({ ...line, password: 'b' })).toEqual({
      msg: 'x',
      request: { 'X-Api-Key': '•••', page: 1 },
      password: '•••',
    });
    const harmless = { msg: 'x', deep: { list: [1] } };
    expect(withoutSecretMembers(harmless)).toBe(harmless);
    const error = Object.assign(new Error('e'), { token: 'c' });
    expect(withoutSecretMembers({ err: error })).toMatchObject({ err: error });
  });
});
