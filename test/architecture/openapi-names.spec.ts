import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const source = resolve(__dirname, '../../src');

describe('names in the OpenAPI document', () => {
  it('are of one class each: of two with the same name the document would describe one only', async () => {
    const files = (await readdir(source, { recursive: true })).filter((file) => file.endsWith('.ts'));
    const texts = await Promise.all(files.map((file) => readFile(join(source, file), 'utf8')));
    const names = texts.flatMap((text) =>
      [...text.matchAll(/^export class (\w+(?:Dto|Controller|Payload))\b/gm)].map(([, name]) => name!),
    );
    expect(names.length).toBeGreaterThan(100);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });
});
