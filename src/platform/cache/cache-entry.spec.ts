import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { CacheValueError, jsonOf, packed, unpacked } from './cache-entry';

const facts = { version: '0123456789abcdef'.repeat(2), ttlMs: 86_400_000, staleMs: 1_000 };

describe('a cache entry', () => {
  it.each([
    ['null', false],
    [JSON.stringify({ text: 'ä€😀' }), false],
    [JSON.stringify('x'.repeat(100_000)), true],
  ])('comes back as it was packed', async (json, isCompressed) => {
    const { entry, stored } = await packed(json, facts);
    expect(entry).toEqual({ ...facts, json, bytes: Buffer.byteLength(json), isCompressed });
    expect(await unpacked(stored)).toEqual(entry);
  });

  it('is refused when it is too large, before gzip or after', async () => {
    await expect(packed('x'.repeat(16 * 1_048_576 + 1), facts)).rejects.toThrow(
      '16777217 bytes; at most 16777216',
    );
    await expect(packed(randomBytes(1_100_000).toString('base64'), facts)).rejects.toThrow(CacheValueError);
    await expect(packed('x'.repeat(16 * 1_048_576), facts)).resolves.toMatchObject({
      entry: { isCompressed: true },
    });
  });

  it('is none when something else lies in its place', async () => {
    const { stored } = await packed(JSON.stringify('x'.repeat(10_000)), facts);
    const bomb = Buffer.concat([stored.subarray(0, 29), gzipSync(Buffer.alloc(100_000_000))]);
    const cut = stored.subarray(0, stored.length - 20);
    const otherKind = Buffer.from(stored);
    otherKind.writeUInt8(7, 28);
    const endless = Buffer.from(stored);
    endless.writeUInt32BE(0xff_ff_ff_ff, 24);
    for (const wrong of [Buffer.alloc(0), Buffer.from('hello'), bomb, cut, otherKind, endless]) {
      await expect(unpacked(wrong)).resolves.toBeUndefined();
    }
  });

  it('is made of JSON only', () => {
    const circle: { self?: object } = {};
    circle.self = circle;
    expect(() => jsonOf(undefined, 'weather')).toThrow('Source "weather" answered with nothing.');
    expect(() => jsonOf(circle, 'weather')).toThrow(CacheValueError);
    expect(() => jsonOf(1n, 'weather')).toThrow(CacheValueError);
  });
});
