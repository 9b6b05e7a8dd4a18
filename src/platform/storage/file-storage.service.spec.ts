import { execFileSync } from 'node:child_process';
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { readSettings } from '../../config/read-settings';
import { FileTooLargeError } from './durable-file-writer';
import { FileStorage } from './file-storage.service';
import { openPlainFile, UnsafeFileError } from './plain-file';
import { StorageFullError } from './storage-full.error';
import { StorageKeyError, type StoredFile } from './stored-file';

const file: StoredFile = { purpose: 'uploads', tenant: 'default', name: 'one.csv' };

async function* inPieces(...pieces: (string | Error)[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    await Promise.resolve();
    if (piece instanceof Error) throw piece;
    yield Buffer.from(piece);
  }
}

describe('FileStorage', () => {
  let home: string;
  let storage: FileStorage;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'holdfast-storage-'));
    storage = new FileStorage(readSettings({ HOLDFAST_HOME: home }));
  });

  afterEach(() => rm(home, { recursive: true, force: true }));

  const names = () => readdir(join(home, 'storage', 'uploads', 'default')).catch(() => []);
  const write = (source: AsyncGenerator<Buffer>, maxBytes = 100) =>
    storage.write(file, Readable.from(source), maxBytes);

  it('keeps a file of any size under its name', async () => {
    const chunk = 'x'.repeat(1_000_000);
    const { bytes } = await write(inPieces(...Array<string>(40).fill(chunk)), 50_000_000);
    expect(bytes).toBe(40_000_000);
    const opened = await storage.open(file);
    expect(opened?.bytes).toBe(40_000_000);
    await opened?.close();
    expect(await names()).toEqual(['one.csv']);
    await storage.remove(file);
    expect([await storage.has(file), await storage.open(file)]).toEqual([false, undefined]);
    await storage.remove(file);
  });

  it('keeps nothing of a file that is too large, or whose source breaks off', async () => {
    await expect(write(inPieces('x'.repeat(60), 'x'.repeat(41)))).rejects.toBeInstanceOf(FileTooLargeError);
    await expect(write(inPieces('abc', new Error('gone')))).rejects.toThrow('gone');
    expect(await names()).toEqual([]);
    expect(await write(inPieces('x'.repeat(100)))).toEqual({ bytes: 100 });
  });

  it('says that the disk is full in an error of its own', async () => {
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    await expect(write(inPieces('abc', full))).rejects.toBeInstanceOf(StorageFullError);
    await expect(storage.assertRoomFor(Number.MAX_SAFE_INTEGER)).rejects.toBeInstanceOf(StorageFullError);
    await expect(storage.assertRoomFor(0)).resolves.toBeUndefined();
  });

  it.each(['../one.csv', '/etc/passwd', 'a/b', '.hidden', 'a..b', '', 'a\0b', 'x'.repeat(200)])(
    'refuses the name %j',
    async (name) => {
      await expect(storage.localCopy({ ...file, name })).rejects.toBeInstanceOf(StorageKeyError);
      await expect(storage.localCopy({ ...file, tenant: name })).rejects.toBeInstanceOf(StorageKeyError);
    },
  );

  it('follows no link, neither of a file nor of a folder', async () => {
    await write(inPieces('abc'));
    await writeFile(join(home, 'secret'), 'secret');
    await symlink(join(home, 'secret'), join(home, 'storage', 'uploads', 'default', 'link.csv'));
    await expect(storage.open({ ...file, name: 'link.csv' })).rejects.toBeInstanceOf(UnsafeFileError);
    expect(await storage.has({ ...file, name: 'link.csv' })).toBe(false);
    await symlink(home, join(home, 'storage', 'uploads', 'elsewhere'));
    await expect(storage.localCopy({ ...file, tenant: 'elsewhere' })).rejects.toBeInstanceOf(StorageKeyError);
    expect(await readFile(join(home, 'secret'), 'utf8')).toBe('secret');
  });

  it('opens no pipe, no folder, and no file that has a second name', async () => {
    await write(inPieces('abc'));
    const folder = join(home, 'storage', 'uploads', 'default');
    execFileSync('mkfifo', [join(folder, 'pipe.csv')]);
    await mkdir(join(folder, 'folder.csv'));
    await writeFile(join(home, 'secret'), 'secret');
    await link(join(home, 'secret'), join(folder, 'twin.csv'));
    for (const name of ['pipe.csv', 'folder.csv', 'twin.csv'])
      await expect(storage.open({ ...file, name })).rejects.toBeInstanceOf(UnsafeFileError);
  });

  it('finds what nobody has touched for a while, and nothing where there is nothing', async () => {
    await write(inPieces('abc'));
    const path = (await storage.localCopy({ ...file, name: 'old.csv.part' })).path;
    await writeFile(path, 'x');
    await utimes(path, 0, 0);
    const found: StoredFile[] = [];
    const note = (files: readonly StoredFile[]) => {
      found.push(...files);
      return Promise.resolve(files);
    };
    expect([
      await storage.sweep('uploads', 3_600_000, note),
      await storage.sweep('nothing', 0, note),
    ]).toEqual([1, 0]);
    expect(found).toEqual([{ ...file, name: 'old.csv.part' }]);
    expect(await names()).toEqual(['one.csv']);
  });

  it('takes over a finished file without a copy, and leaves nothing where it was', async () => {
    const path = join(home, 'made');
    await writeFile(path, 'made elsewhere', { mode: 0o644 });
    const { ino } = await stat(path);
    const finished = await openPlainFile(path);
    await storage.adopt(file, { ...finished!, path });
    await finished!.handle.close();
    const place = join(home, 'storage', 'uploads', 'default', 'one.csv');
    const { ino: now, mode } = await stat(place);
    expect([now, mode & 0o777, await readFile(place, 'utf8')]).toEqual([ino, 0o600, 'made elsewhere']);
    expect(await openPlainFile(path)).toBeUndefined();
  });
});
