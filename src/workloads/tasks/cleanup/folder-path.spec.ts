import { faultOfFolderPath } from './folder-path';

describe('a path below a root', () => {
  it.each(['a', 'a/b c', '.hidden/..x', 'a\nb', '...'])('may be %j', (path) => {
    expect(faultOfFolderPath(path)).toBeUndefined();
  });

  it.each([
    ['', 'whole root'],
    ['/', 'relative'],
    ['/etc', 'relative'],
    ['..', '".."'],
    ['../..', '".."'],
    ['a/../../b', '".."'],
    ['a/./b', '".."'],
    ['a//b', '".."'],
    ['a/', '".."'],
    ['a\0b', 'NUL'],
    ['\ud800', 'whole Unicode'],
    ['a'.repeat(1_001), 'characters'],
    ['ä'.repeat(128), 'bytes'],
  ])('may not be %j, with the way out', (path, said) => {
    expect(faultOfFolderPath(path)).toContain(said);
  });
});
