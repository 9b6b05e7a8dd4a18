import { describedError, errorGroup } from './error-group';

describe('the group of an error', () => {
  it.each([
    ['Order 17 is gone', 'Order 99123 is gone'],
    ['No file "a b.csv" in the store', 'No file "other.csv" in the store'],
    ['open /srv/data/uploads/17.csv failed', 'open /srv/data/x.csv failed'],
    ['fetch https://a.example/x?y=1 failed', 'fetch https://b.example/z failed'],
    ['run 0b6f3a52-7a4b-4b5e-9d1c-3f1f7d0a9e11 is gone', 'run 6f1f0a52-7a4b-4b5e-9d1c-3f1f7d0a9e11 is gone'],
    ['job notes_aaaaaaaaaaaaaaaaaaaaaa is gone', 'job notes_Bb-_1234567890123456cd is gone'],
    ['connect ECONNREFUSED 127.0.0.1:6379', 'connect ECONNREFUSED 10.0.0.2:6380'],
    ['mail to jane@example.org bounced', 'mail to joe@example.com bounced'],
    ['retry in 1.5 s', 'retry  in 20 s\n'],
  ])('is the same for "%s" and "%s"', (one, other) => {
    expect(errorGroup('Error', one)).toBe(errorGroup('Error', other));
  });

  it('differs with the name and with the words', () => {
    const groups = [
      errorGroup('Error', 'is gone'),
      errorGroup('TypeError', 'is gone'),
      errorGroup('Error', 'is back'),
    ];
    expect(new Set(groups).size).toBe(3);
    expect(groups.every((group) => /^[0-9a-f]{16}$/.test(group))).toBe(true);
  });

  it('is found quickly in a long text of any kind', () => {
    for (const text of ['a@'.repeat(1_000_000), '/a'.repeat(1_000_000), '"'.repeat(1_000_000)]) {
      const startedAt = performance.now();
      expect(describedError('Error', text).message.length).toBeLessThanOrEqual(500);
      expect(performance.now() - startedAt).toBeLessThan(500);
    }
  });
});

describe('an error that the history keeps', () => {
  it('shows no credentials', () => {
    const { message } = describedError(
      'Error',
      'GET https://jane:secret@host/ with Bearer abcdefgh12345678 and password=hunter2, token: "x1y2z3"',
    );
    expect(message).not.toMatch(/jane|secret@|abcdefgh|hunter2|x1y2z3/);
    expect(message).toContain('https://***@host/');
  });
});
