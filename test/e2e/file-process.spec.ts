import { execFileSync } from 'node:child_process';
import { link, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { fromBuffer } from 'yauzl';
import { ZipFile } from 'yazl';
import { Files } from '../../src/platform/files/files.service';
import { JobReader } from '../../src/platform/queue/job-reader.service';
import { eventually } from '../support/eventually';
import { startTestServer, type TestServer } from '../support/server';

const ADMIN = 'a-key-of-the-file-process-spec';
const fixtures = join(__dirname, '../fixtures/files');
const fixture = (name: string) => readFileSync(join(fixtures, name));

interface Body {
  readonly id: string;
  readonly state: string;
  readonly result?: Record<string, unknown> & { fileId: string; links: { content: string } };
  readonly error?: { name: string; message: string };
  readonly attempts: { made: number };
  readonly errors?: { pointer: string; detail: string }[];
}

async function zipOf(entries: Record<string, Buffer>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(entries)) zip.addBuffer(content, name);
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('FILE_PROCESS', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer({ HOLDFAST_BOOTSTRAP_KEY: ADMIN });
  });
  afterAll(() => server.close());

  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${ADMIN}` },
    });

  async function upload(content: Buffer, name: string, type = 'application/octet-stream'): Promise<string> {
    const form = new FormData();
    form.append('file', new Blob([Uint8Array.from(content)], { type }), name);
    const answer = await ask('/api/files', { method: 'POST', body: form });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { id: string }).id;
  }

  async function send(
    data: object,
    options: object = {},
    wait = 60,
  ): Promise<{ status: number; body: Body }> {
    const answer = await ask('/api/queue/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: `wait=${Math.min(wait, 30)}` },
      body: JSON.stringify({ type: 'FILE_PROCESS', data, options }),
    });
    return { status: answer.status, body: (await answer.json()) as Body };
  }

  async function made(content: Buffer, name: string, operation: string, options: object = {}, type?: string) {
    const { body } = await send({ filePath: await upload(content, name, type), operation, options });
    expect(body).toMatchObject({ state: 'completed' });
    const { result } = body;
    const bytes = Buffer.from(await (await ask(result!.links.content)).arrayBuffer());
    expect(bytes.length).toBe(result!['bytes']);
    return { result: result!, bytes };
  }

  it('resizes and converts images of other programs', async () => {
    const small = await made(fixture('screen.png'), 'screen.png', 'resize', { width: 160 });
    expect(small.result).toMatchObject({
      name: 'screen.png',
      contentType: 'image/png',
      width: 160,
      height: 100,
    });
    expect(await sharp(small.bytes).metadata()).toMatchObject({ format: 'png', width: 160, height: 100 });
    const never = await made(fixture('screen.png'), 'screen.png', 'resize', { width: 4_000 });
    expect(never.result).toMatchObject({ width: 640 });
    for (const format of ['webp', 'avif', 'png', 'tiff'] as const) {
      const { result, bytes } = await made(fixture('screen.jpg'), 'screen.jpg', 'convert', { format });
      expect(result).toMatchObject({ name: `screen.${format}`, contentType: `image/${format}`, width: 640 });
      expect((await sharp(bytes).metadata()).width).toBe(640);
    }
  });

  it('turns a photograph upright, and keeps what it carries only where that is wished', async () => {
    const photograph = await sharp({ create: { width: 40, height: 20, channels: 3, background: '#c00' } })
      .jpeg()
      .withExif({ IFD0: { Copyright: 'Ada' } })
      .withMetadata({ orientation: 6 })
      .toBuffer();
    expect((await sharp(photograph).metadata()).orientation).toBe(6);
    const plain = await made(photograph, 'me.jpg', 'convert', { format: 'jpeg' });
    const { width, height, exif, orientation } = await sharp(plain.bytes).metadata();
    expect({ width, height, exif, orientation }).toEqual({
      width: 20,
      height: 40,
      exif: undefined,
      orientation: undefined,
    });
    const kept = await made(photograph, 'me.jpg', 'convert', { format: 'jpeg', keepMetadata: true });
    expect((await sharp(kept.bytes).metadata()).exif?.toString('latin1')).toContain('Ada');
  });

  it('extracts the text of documents of other programs', async () => {
    const sentence = 'Dear Zoë, the assembly of Übersee meets on Friday at 9:30.';
    const page = `<!doctype html><title>no</title><script>alert(1)</script><h1>Hello</h1><p>${sentence} <a href="http://x.example">here</a>`;
    const texts = [
      await made(fixture('letter.pdf'), 'letter.pdf', 'extract_text'),
      await made(fixture('letter.docx'), 'letter.docx', 'extract_text'),
      await made(Buffer.from(page), 'page.html', 'extract_text', {}, 'text/html'),
      await made(Buffer.from(sentence, 'latin1'), 'old.txt', 'extract_text'),
      await made(Buffer.from(`\ufeff${sentence}`, 'utf16le'), 'windows.txt', 'extract_text'),
    ];
    for (const { result, bytes } of texts) {
      expect(bytes.toString()).toContain(sentence);
      expect(result).toMatchObject({ contentType: 'text/plain; charset=utf-8', isCut: false });
    }
    expect(texts[0]?.bytes.toString()).toMatch(/Friday[^]+\n\nThe second page has the bill: 1,234\.50 €/);
    expect(texts[1]?.bytes.toString()).toContain('1,234.50 €');
    expect(texts[2]?.bytes.toString()).not.toMatch(/alert|x\.example/);
    const cut = await made(fixture('letter.docx'), 'letter.docx', 'extract_text', { maxCharacters: 6 });
    expect([cut.bytes.toString(), cut.result['isCut']]).toEqual(['Letter', true]);
  });

  it('compresses so that other programs open it', async () => {
    const content = Buffer.from('a line of text\n'.repeat(200_000));
    const gzip = await made(content, 'lines.txt', 'compress', { algorithm: 'gzip', level: 9 });
    expect(gzip.result).toMatchObject({ name: 'lines.txt.gz', contentType: 'application/gzip' });
    expect(gunzipSync(gzip.bytes).equals(content)).toBe(true);
    const zip = await made(content, '../../lines ü.txt', 'compress', { algorithm: 'zip' });
    const names = await new Promise<string[]>((resolve, reject) => {
      fromBuffer(zip.bytes, (error, file) => {
        if (error) return reject(error);
        const found: string[] = [];
        file.on('entry', ({ fileName, uncompressedSize }) => found.push(`${fileName} ${uncompressedSize}`));
        file.on('end', () => resolve(found));
      });
    });
    expect(names).toEqual([`lines ü.txt ${content.length}`]);
  });

  it.each([
    [{ operation: 'resize', options: {} }, '#/data/operation', 'needs options.width or options.height'],
    [{ operation: 'convert' }, '#/data/operation', 'needs options.format'],
    [{ operation: 'convert', options: { format: 'svg' } }, '#/data/options/format', 'must be one of'],
    [{ operation: 'compress', options: { width: 5 } }, '#/data/options', 'no option of "compress"'],
    [{ operation: 'resize', options: { width: 100_000 } }, '#/data/options/width', 'must not be greater'],
    [{ operation: 'shred' }, '#/data/operation', 'must be one of'],
  ])('refuses %j before it is stored', async (wish, pointer, detail) => {
    const filePath = `file_${'x'.repeat(22)}`;
    const { status, body } = await send({ filePath, ...wish });
    expect(status).toBe(422);
    expect(body.errors?.map((one) => `${one.pointer} ${one.detail}`).join('\n')).toContain(pointer);
    expect(JSON.stringify(body.errors)).toContain(detail.replaceAll('"', '\\"'));
  });

  it('A10: reads nothing but a file of its tenant, whatever lies in its place', async () => {
    const paths = [
      '../../etc/passwd',
      '/etc/passwd',
      'file_../../../../etc/passwd',
      '',
      'file_x\0y',
      'C:\\boot.ini',
      '%2e%2e/x',
      `file_${'x'.repeat(22)}/..`,
    ];
    let refused = 0;
    for (const filePath of paths) {
      const { status, body } = await send({ filePath, operation: 'extract_text' });
      if (status === 422 && body.errors?.[0]?.pointer === '#/data/filePath') refused += 1;
    }
    const outside = join(server.settings.home, 'outside.txt');
    await writeFile(outside, 'the secret outside');
    const folder = join(server.settings.home, 'storage', 'files', 'default');
    const swaps: readonly ((path: string) => Promise<unknown>)[] = [
      (path) => symlink('/etc/passwd', path),
      (path) => symlink(outside, path),
      (path) => symlink('/dev/zero', path),
      (path) => link(outside, path),
      (path) => mkdir(path),
      (path) => Promise.resolve(execFileSync('mkfifo', [path])),
      () => Promise.resolve(),
    ];
    for (const swap of swaps) {
      const before = new Set(await readdir(folder));
      const filePath = await upload(Buffer.from('harmless'), 'a.txt', 'text/plain');
      const blob = (await readdir(folder)).find((name) => !before.has(name)) ?? '';
      await rm(join(folder, blob));
      await swap(join(folder, blob));
      const { body } = await send({ filePath, operation: 'extract_text' });
      if (
        body.state === 'failed' &&
        body.attempts.made === 1 &&
        !JSON.stringify(body).includes('secret outside')
      ) {
        refused += 1;
      }
      await rm(join(folder, blob), { force: true, recursive: true });
    }
    const attempts = paths.length + swaps.length;
    process.stdout.write(`A10 attempts=${attempts} refused=${refused} reads=0\n`);
    expect(refused).toBe(attempts);
    expect(await readFile(outside, 'utf8')).toBe('the secret outside');
  });

  it('A13: refuses bombs at their first attempt, and its worker does not grow', async () => {
    const zeros = Buffer.alloc(220_000_000);
    const large = await sharp({ create: { width: 16_000, height: 16_000, channels: 3, background: '#000' } })
      .png({ compressionLevel: 9 })
      .toBuffer();
    const docx = fixture('letter.docx');
    const lying = await zipOf({ 'word/document.xml': Buffer.alloc(5_000_000) });
    // The directory promises a hundred bytes.
    lying.writeUInt32LE(100, lying.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1')) + 24);
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>';
    const entities =
      '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>';
    const bombs: readonly (readonly [string, Buffer, string, object?])[] = [
      ['256 megapixels', large, 'convert', { format: 'webp' }],
      ['a zip bomb', await zipOf({ 'word/document.xml': zeros }), 'extract_text'],
      [
        'many entries',
        await zipOf(
          Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`${at}`, Buffer.from('x')])),
        ),
        'extract_text',
      ],
      ['a lying archive', lying, 'extract_text'],
      ['a spreadsheet', await zipOf({ 'xl/workbook.xml': Buffer.from('<x/>') }), 'extract_text'],
      ['half a document', docx.subarray(0, docx.length / 2), 'extract_text'],
      ['entities', await zipOf({ 'word/document.xml': Buffer.from(entities) }), 'extract_text'],
      ['a drawing that reads files', Buffer.from(svg), 'convert', { format: 'png' }],
      ['half an image', fixture('screen.jpg').subarray(0, 6_000), 'resize', { width: 10 }],
      ['bytes', Buffer.from([0, 1, 2, 3, 255]), 'extract_text'],
      ['half a PDF', Buffer.from('%PDF-1.7\n1 0 obj <</Type/Catalog'), 'extract_text'],
    ];
    const uploads: string[] = [];
    for (const [name, content] of bombs) uploads.push(await upload(content, name));
    const before = process.memoryUsage().rss;
    let slowestMs = 0;
    const wrong: string[] = [];
    for (const [at, [name, , operation, options = {}]] of bombs.entries()) {
      const startedAt = performance.now();
      const { body } = await send({ filePath: uploads[at], operation, options });
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      if (body.state !== 'failed' || body.attempts.made !== 1)
        wrong.push(`${name}: ${JSON.stringify(body).slice(0, 300)}`);
    }
    const growth = Math.round((process.memoryUsage().rss - before) / 1_048_576);
    process.stdout.write(
      `A13 bombs=${bombs.length} refused=${bombs.length - wrong.length} slowest_ms=${Math.round(slowestMs)} worker_growth_mb=${growth}\n`,
    );
    expect(wrong).toEqual([]);
    expect(growth).toBeLessThan(200);
    // Deep pages are cut, not followed down.
    const deep = await made(
      Buffer.from(`<!doctype html>${'<div>'.repeat(100_000)}deep`),
      'deep.html',
      'extract_text',
    );
    expect(deep.bytes.length).toBeLessThan(1_000);
  }, 180_000);

  it('tries again when the process that does the work is killed, and makes one file', async () => {
    const content = Buffer.alloc(50_000_000);
    for (let at = 0; at < content.length; at += 4) content.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
    const filePath = await upload(content, 'noise.bin');
    const { body } = await send({ filePath, operation: 'compress', options: { level: 9 } }, {}, 0);
    const working = () =>
      readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .filter((pid) => {
          try {
            const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
            const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
            return Number(parent) === process.pid && line.includes('file-work.program');
          } catch {
            return false;
          }
        });
    await eventually(async () => {
      expect((await server.app.get(JobReader).read(body.id))?.progress).toMatchObject({ stage: 'working' });
    }, 20_000);
    for (const pid of working()) process.kill(Number(pid), 'SIGKILL');
    await eventually(async () => {
      const job = await server.app.get(JobReader).read(body.id);
      expect(job).toMatchObject({ state: 'completed', attemptsMade: 2 });
    }, 60_000);
    const files = await server.app.get(Files).list({ tenant: 'default', limit: 200 });
    expect(files.filter(({ jobId }) => jobId === body.id)).toHaveLength(1);
    expect(await readdir(join(server.settings.home, 'tmp', 'file-process'))).toEqual([]);
  }, 120_000);

  it('stops when it is cancelled, and leaves nothing behind', async () => {
    const filePath = await upload(Buffer.alloc(60_000_000, 'abc'), 'long.bin');
    const { body } = await send({ filePath, operation: 'compress', options: { level: 9 } }, {}, 0);
    await eventually(async () => {
      expect((await server.app.get(JobReader).read(body.id))?.state).toBe('active');
    }, 20_000);
    const answer = await ask(`/api/queue/jobs/${body.id}?reason=of a test`, { method: 'DELETE' });
    expect(answer.status).toBe(202);
    await eventually(async () => {
      expect((await server.app.get(JobReader).read(body.id))?.state).toBe('cancelled');
    }, 20_000);
    const files = await server.app.get(Files).list({ tenant: 'default', limit: 200 });
    expect(files.filter(({ jobId }) => jobId === body.id)).toEqual([]);
    expect(await readdir(join(server.settings.home, 'tmp', 'file-process'))).toEqual([]);
  }, 60_000);
});
