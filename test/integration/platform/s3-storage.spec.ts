import { Logger } from '@nestjs/common';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { readSettings } from '../../../src/config/read-settings';
import { FileTooLargeError } from '../../../src/platform/storage/durable-file-writer';
import { FileStorage } from '../../../src/platform/storage/file-storage.service';
import { openPlainFile } from '../../../src/platform/storage/plain-file';
import { StorageAwayError } from '../../../src/platform/storage/storage-away.error';
import type { StoredFile } from '../../../src/platform/storage/stored-file';
import { eventually } from '../../support/eventually';
import { S3Server } from '../../support/s3-server';

const MEBIBYTE = 1024 * 1024;
const LIMIT = 100 * MEBIBYTE;
const DAY_MS = 86_400_000;
const file: StoredFile = { purpose: 'uploads', tenant: 'default', name: 'one.csv' };

describe('files in a bucket', () => {
  let s3: S3Server;
  let home: string;
  let storage: FileStorage;

  beforeAll(async () => {
    s3 = await S3Server.start();
  });
  afterAll(() => s3.close());
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'holdfast-s3-home-'));
    storage = new FileStorage(readSettings({ HOLDFAST_HOME: home, ...s3.settings }));
    await storage.onApplicationBootstrap();
  });
  afterEach(async () => {
    s3.forgive();
    await storage.remove(file);
    await storage.onApplicationShutdown();
    await rm(home, { recursive: true, force: true });
    expect(s3.refusals).toEqual([]);
    expect([...s3.openUploads]).toEqual([]);
  });

  const write = (...chunks: Buffer[]) => storage.write(file, Readable.from(chunks), LIMIT);
  const found = async (purpose: string, ageMs: number) => {
    const files: StoredFile[] = [];
    await storage.sweep(purpose, ageMs, (group) => {
      files.push(...group);
      return Promise.resolve([]);
    });
    return files;
  };
  const readAll = async () => buffer((await storage.open(file))!.stream());
  const scratch = async () =>
    (
      await Promise.all(
        (await readdir(join(home, 'scratch'))).map((name) => readdir(join(home, 'scratch', name))),
      )
    ).flat();

  it('come back byte by byte, whole and in parts, however large they are', async () => {
    for (const bytes of [0, 5, 20 * MEBIBYTE + 7]) {
      const content = randomBytes(bytes);
      expect(await write(content.subarray(0, 3), content.subarray(3))).toEqual({ bytes });
      const opened = await storage.open(file);
      expect(opened?.bytes).toBe(bytes);
      const whole = await readAll();
      expect(createHash('sha256').update(whole).digest('hex')).toBe(
        createHash('sha256').update(content).digest('hex'),
      );
      if (bytes > 10) {
        const part = await buffer(opened!.stream({ start: 9 * MEBIBYTE, end: 9 * MEBIBYTE + 9 }));
        expect(part).toEqual(content.subarray(9 * MEBIBYTE, 9 * MEBIBYTE + 10));
      }
    }
    await storage.remove(file);
    expect([await storage.has(file), await storage.open(file)]).toEqual([false, undefined]);
  });

  it('are written in many parts, with two of them in memory at most', async () => {
    const piece = randomBytes(MEBIBYTE);
    let made = 0;
    const puts = () => s3.requests.filter((line) => line.includes('partNumber')).length;
    const before = puts();
    let furthest = 0;
    const source = Readable.from(
      (function* () {
        for (; made < 40; made += 1) {
          furthest = Math.max(furthest, made - (puts() - before) * 8);
          yield piece;
        }
      })(),
      { highWaterMark: 1 },
    );
    expect(await storage.write(file, source, LIMIT)).toEqual({ bytes: 40 * MEBIBYTE });
    expect(puts() - before).toBe(5);
    // One part under way whose call has not come yet, one being gathered, and a piece before each stream.
    expect(furthest).toBeLessThan(20);
  });

  it('are as they were when a new one is too large, breaks off, or its store fails', async () => {
    await write(Buffer.from('old'));
    const large = () => Readable.from([randomBytes(9 * MEBIBYTE), randomBytes(9 * MEBIBYTE)]);
    await expect(storage.write(file, large(), 10 * MEBIBYTE)).rejects.toBeInstanceOf(FileTooLargeError);
    const broken = Readable.from(
      (async function* () {
        yield randomBytes(9 * MEBIBYTE);
        await Promise.resolve();
        throw new Error('the source is gone');
      })(),
    );
    await expect(storage.write(file, broken, LIMIT)).rejects.toThrow('the source is gone');
    s3.fail((line) => line.includes('partNumber=2'), 'drop', 10);
    await expect(storage.write(file, large(), LIMIT)).rejects.toBeInstanceOf(StorageAwayError);
    expect((await readAll()).toString()).toBe('old');
  }, 60_000);

  it('are stored all the same when a connection drops in the middle, or a call fails once', async () => {
    s3.fail((line) => line.includes('partNumber=1'), 'drop');
    s3.fail((line) => line.includes('partNumber=2'), 'fail');
    s3.fail((line) => line.startsWith('HEAD'), 'fail');
    const content = randomBytes(17 * MEBIBYTE);
    await write(content);
    expect((await readAll()).equals(content)).toBe(true);
  }, 30_000);

  it('are away with their store, in one sentence without a secret, and back with it', async () => {
    await write(Buffer.from('kept'));
    await s3.goAway();
    const failure = await storage.open(file).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StorageAwayError);
    expect(String(failure)).toBe(
      'StorageAwayError: The file storage s3://holdfast-test cannot be used (ECONNREFUSED).',
    );
    await expect(write(Buffer.from('new'))).rejects.toBeInstanceOf(StorageAwayError);
    await expect(storage.answers()).rejects.toBeInstanceOf(StorageAwayError);
    await s3.comeBack();
    expect(await storage.answers()).toEqual({ kind: 's3' });
    expect((await readAll()).toString()).toBe('kept');
  }, 30_000);

  it('are found when nobody has touched them, and none of another purpose', async () => {
    await write(Buffer.from('x'));
    expect(await found('uploads', -60_000)).toEqual([file]);
    expect([await found('uploads', 60_000), await found('upload', -60_000)]).toEqual([[], []]);
  });

  it('are a day younger than their store says when they came in parts: it may mean the first of them', async () => {
    await write(randomBytes(9 * MEBIBYTE));
    expect(await found('uploads', -60_000)).toEqual([]);
    expect(await found('uploads', -DAY_MS - 60_000)).toEqual([file]);
  });

  describe('whose process was killed before the last part', () => {
    const begin = async (purpose: string, count: number) => {
      const before = [...s3.openUploads].length;
      const abandoned = Array.from({ length: count }, (_, number) => {
        s3.fail((line) => line.includes(`/${purpose}/`) && line.includes('partNumber=2'), 'hang');
        const source = new PassThrough();
        source.write(randomBytes(9 * MEBIBYTE));
        source.write(randomBytes(9 * MEBIBYTE));
        const done = storage.write({ ...file, purpose, name: `${number}.csv` }, source, LIMIT);
        done.catch(() => undefined);
        return { done, source };
      });
      await eventually(() => expect([...s3.openUploads]).toHaveLength(before + count), 10_000);
      return abandoned;
    };
    const keys = (purpose: string, count: number) =>
      Array.from({ length: count }, (_, number) => `some/prefix/${purpose}/default/${number}.csv`);

    it('go when they are older than any that still comes, and no other', async () => {
      const mine = await begin('uploads', 5);
      const others = await begin('reports', 1);
      const all = [...keys('uploads', 5), ...keys('reports', 1)];
      await found('uploads', 0);
      expect([...s3.openUploads].toSorted()).toEqual(all.toSorted());
      s3.openUploads.age(DAY_MS + 43_000_000);
      await found('uploads', 0);
      expect([...s3.openUploads].toSorted()).toEqual(all.toSorted());
      s3.openUploads.age(400_000);
      await found('uploads', 0);
      expect([...s3.openUploads]).toEqual(keys('reports', 1));
      await found('reports', 0);
      expect([...s3.openUploads]).toEqual([]);
      for (const { source, done } of [...mine, ...others]) {
        source.destroy(new Error('given up'));
        await expect(done).rejects.toThrow();
      }
    }, 60_000);

    it('stay where the store does not know how to tell, which is said once, and files are swept all the same', async () => {
      const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
      s3.fail((line) => line.startsWith('GET') && /[?&]uploads/.test(line), 'unknown', 2);
      await write(Buffer.from('x'));
      for (let sweep = 0; sweep < 2; sweep += 1) expect(await found('uploads', -60_000)).toEqual([file]);
      expect(warn.mock.calls.map(([line]: unknown[]) => line)).toEqual([
        'Uploads that killed processes have left stay in the bucket for now: ' +
          'StorageAwayError: The file storage s3://holdfast-test cannot be used (NotImplemented).',
      ]);
      warn.mockRestore();
    });
  });

  it('have a copy on this machine for as long as it is used', async () => {
    const content = randomBytes(9 * MEBIBYTE);
    await write(content);
    const copy = await storage.localCopy(file);
    expect((await readFile(copy.path)).equals(content)).toBe(true);
    await copy.release();
    const none = await storage.localCopy({ ...file, name: 'nothing' });
    expect(existsSync(none.path)).toBe(false);
    expect(await scratch()).toEqual([]);
  });

  it('are made of what a writer of its own leaves on this machine', async () => {
    const draft = await storage.localDraft(file);
    await writeFile(draft.path, 'of a thread');
    expect([draft.isInPlace, await storage.has(file)]).toEqual([false, false]);
    await draft.publish();
    await draft.release();
    expect([(await readAll()).toString(), await scratch()]).toEqual(['of a thread', []]);
  });

  it('are taken over from this machine, where nothing stays', async () => {
    const path = join(home, 'made');
    await writeFile(path, 'made here');
    const finished = (await openPlainFile(path))!;
    await storage.adopt(file, { ...finished, path });
    await finished.handle.close();
    expect([(await readAll()).toString(), existsSync(path)]).toEqual(['made here', false]);
  });

  it('leave no copies of a process that is gone', async () => {
    const [gone, alive] = [join(home, 'scratch', '1.gone'), join(home, 'scratch', '1.alive')];
    for (const folder of [gone, alive]) {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'copy'), 'x');
    }
    await utimes(gone, 0, 0);
    await storage.onApplicationBootstrap();
    expect([existsSync(gone), existsSync(alive)]).toEqual([false, true]);
  });
});
