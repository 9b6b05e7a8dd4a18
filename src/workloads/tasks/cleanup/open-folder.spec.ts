import { mkdir, mkdtemp, readdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NoFolderError, OpenFolder } from './open-folder';

describe('a folder that is held open', () => {
  let place: string;

  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'holdfast-folder-'));
    for (const folder of ['root/a', 'outside']) {
      await mkdir(join(place, folder), { recursive: true });
      await writeFile(join(place, folder, 'file'), folder);
    }
  });
  afterEach(() => rm(place, { recursive: true }));

  const swapForLink = async () => {
    await rename(join(place, 'root/a'), join(place, 'root/b'));
    await symlink(join(place, 'outside'), join(place, 'root/a'));
  };

  it('stays the folder it was when a link to elsewhere takes its path between look and removal', async () => {
    const root = await OpenFolder.at(join(place, 'root'));
    const folder = await root?.child('a');
    expect((await folder?.look('file'))?.isFile()).toBe(true);
    await swapForLink();
    await folder?.removeFile('file');
    expect(await readdir(join(place, 'outside'))).toEqual(['file']);
    expect(await readdir(join(place, 'root/b'))).toEqual([]);
    expect(await folder?.path()).toBe(join(place, 'root/b'));
    await expect(root?.removeFolder('a')).rejects.toMatchObject({ code: 'ENOTDIR' });
    await folder?.close();
    await root?.close();
  });

  it('by its path would have been the other one', async () => {
    const path = join(place, 'root/a/file');
    await swapForLink();
    await unlink(path);
    expect(await readdir(join(place, 'outside'))).toEqual([]);
  });

  it('is not opened through a link, nor where a file lies; what is missing is undefined', async () => {
    await symlink(join(place, 'outside'), join(place, 'root/link'));
    const root = await OpenFolder.at(join(place, 'root'));
    await expect(root?.child('link')).rejects.toThrow(NoFolderError);
    await expect(OpenFolder.at(join(place, 'root/link'))).rejects.toThrow(NoFolderError);
    await expect(OpenFolder.at(join(place, 'root/a/file'))).rejects.toThrow(NoFolderError);
    await expect(root?.child('nothing')).resolves.toBeUndefined();
    await root?.close();
  });
});
