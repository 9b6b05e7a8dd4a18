import { displayName } from './file-name';

describe('displayName', () => {
  it.each([
    ['members.csv', 'members.csv'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\temp\\list.csv', 'list.csv'],
    ['a\u0000\u202Eb\n.csv', 'ab.csv'],
    ['  ', 'upload'],
    ['..', 'upload'],
    [undefined, 'upload'],
    ['folder/', 'upload'],
  ])('shows %j as %j', (given, shown) => {
    expect(displayName(given)).toBe(shown);
  });

  it('cuts a long name between two characters', () => {
    expect(displayName('😀'.repeat(300))).toBe('😀'.repeat(127));
  });
});
