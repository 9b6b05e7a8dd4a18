import { badCleanupRoots } from './cleanup-checks';

describe('the folders that old files are removed from', () => {
  const home = '/srv/holdfast';
  const faults = (cleanupTempRoot: string, cleanupLogRoot = `${home}/logs`) =>
    badCleanupRoots({ home, cleanupTempRoot, cleanupLogRoot });

  it.each([`${home}/tmp`, '/var/tmp/holdfast', '/srv/holdfast-tmp', `${home}/storage-tmp`])(
    'may be %s',
    (root) => {
      expect(faults(root)).toEqual([]);
    },
  );

  it.each([
    '/',
    '/srv',
    '/srv/',
    home,
    `${home}/tmp/..`,
    `${home}/storage`,
    `${home}/postgres/x`,
    process.cwd(),
  ])('may not be %s', (root) => {
    expect(faults(root)).toEqual([expect.stringContaining('CLEANUP_TEMP_ROOT must not hold')]);
    expect(faults(`${home}/tmp`, root)).toEqual([expect.stringContaining('CLEANUP_LOG_ROOT')]);
  });
});
