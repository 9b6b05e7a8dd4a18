import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { isSealed, SecretBox, SecretUnreadableError, withoutNonces } from './secret-box';

const key = (name: string) => `${name}:${randomBytes(32).toString('base64url')}`;
const place = { tenant: 'default', type: 'a-job', field: 'password' };

describe('a box of secrets', () => {
  const [first, second] = [key('k1'), key('k2')];

  it('opens what it has sealed, whatever it is, and shows nothing of it', () => {
    const box = new SecretBox(first);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        const sealed = box.seal(text, place);
        expect(isSealed(sealed)).toBe(true);
        expect(box.open(sealed, place)).toBe(text);
        if (text.length > 3) expect(sealed).not.toContain(text);
      }),
    );
  });

  it('opens in its own place only', () => {
    const box = new SecretBox(first);
    const sealed = box.seal('text', place);
    for (const other of [{ tenant: 'acme' }, { type: 'another' }, { field: 'note' }]) {
      expect(() => box.open(sealed, { ...place, ...other })).toThrow(SecretUnreadableError);
    }
    const [head, body = ''] = [sealed.slice(0, -1), sealed.at(-1)];
    expect(() => box.open(head + (body === 'A' ? 'B' : 'A') + 'AAAA', place)).toThrow('cannot be opened');
  });

  it('seals with its first key, opens with all, and says which one is missing', () => {
    const old = new SecretBox(first).seal('text', place);
    const rotated = new SecretBox(`${second},${first}`);
    expect(rotated.open(old, place)).toBe('text');
    const fresh = rotated.seal('text', place);
    expect(fresh).toMatch(/^hfs1\.k2\./);
    expect(() => new SecretBox(second).open(old, place)).toThrow('"k1"');
    // The same text is recognised as the same, before and after.
    expect(withoutNonces(JSON.stringify({ a: old }))).toBe(withoutNonces(JSON.stringify({ a: fresh })));
    const other = rotated.seal('texts', place);
    expect(withoutNonces(JSON.stringify({ a: other }))).not.toBe(withoutNonces(JSON.stringify({ a: fresh })));
  });

  it.each(['', 'k1', 'k1:short', `K1:${'A'.repeat(43)}`, `${first},${first}`])(
    'refuses the keys "%s"',
    (text) => {
      expect(() => new SecretBox(text)).toThrow(Error);
    },
  );
});
