import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlockFile } from './validation-pass-report';
import { SplicedCopy, spliceBytes } from './validation-pass-splice';

describe('a copy with texts put in between', () => {
  let folder: string;
  let draft: BlockFile;
  const memory = new Uint8Array(spliceBytes);

  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'holdfast-splice-'))));
  afterEach(() => draft.close());
  afterAll(() => rmSync(folder, { recursive: true }));

  function draftOf(bytes: number): Buffer {
    const content = Buffer.from(Array.from({ length: bytes }, (_, i) => 33 + (i % 89)));
    draft = new BlockFile(join(folder, 'draft'), new Uint8Array(64 * 1024), 0, 64 * 1024);
    draft.append(content);
    draft.flush();
    return content;
  }

  it.each([
    ['every few bytes of a draft of many blocks', 3_000_000, 97, 'ab'],
    ['longer than the memory it works in', 10_000, 4_000, 'x'.repeat(2_500_000)],
    ['seldom', 2_500_000, 1_200_000, 'ab'],
  ])('has texts %s', async (_, bytes, every, text) => {
    const content = draftOf(bytes);
    const copy = new SplicedCopy(join(folder, 'copy'), draft, memory);
    const expected: Buffer[] = [];
    for (let at = every; at < bytes; at += every) {
      copy.insert(at, Buffer.from(text));
      if (at % 5 === 0) await copy.room();
      expected.push(content.subarray(at - every, at), Buffer.from(text));
    }
    expected.push(content.subarray(Math.floor((bytes - 1) / every) * every));
    const { length } = copy;
    await copy.finish();
    const found = readFileSync(join(folder, 'copy'));
    expect(found.equals(Buffer.concat(expected))).toBe(true);
    expect(length).toBe(found.length);
  });

  it('can be given up at any time', async () => {
    draftOf(3_000_000);
    const copy = new SplicedCopy(join(folder, 'copy'), draft, memory);
    copy.insert(2_000_000, Buffer.from('a'));
    await copy.close();
    await copy.close();
  });

  it('tells of a draft that cannot be read, wherever it is waited for', async () => {
    draftOf(3_000_000);
    // Not by closing it: its number may be that of another file by the time it is read.
    const gone = Object.assign(new Error('the disk is gone'), { code: 'EIO' });
    draft.readSoon = () => Promise.reject(gone);
    const copy = new SplicedCopy(join(folder, 'copy'), draft, memory);
    for (let at = 0; at < 20_000; at += 1) copy.insert(at, Buffer.from('a'));
    await expect(copy.room()).rejects.toBe(gone);
    await expect(copy.finish()).rejects.toBe(gone);
    await copy.close();
  });
});
