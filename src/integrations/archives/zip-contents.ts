import { fromBuffer, type Entry, type ZipFile } from 'yauzl';

export interface ZipLimits {
  readonly maxEntries: number;
  /** Of all entries together, uncompressed. */
  readonly maxBytes: number;
  /** Uncompressed to compressed, of a single entry of more than a megabyte. */
  readonly maxRatio: number;
}

/** An archive that is none, or would be too large once it is unpacked. */
export class ZipRefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ZipRefusedError';
  }
}

const RATIO_FLOOR_BYTES = 1_048_576;

/**
 * The names in an archive, after its directory and then every entry were compared with the limits: an entry that
 * unpacks to more than the directory says is refused as well. Throws {@link ZipRefusedError}.
 */
export async function checkedZip(archive: Buffer, limits: ZipLimits): Promise<string[]> {
  const zip = await opened(archive);
  if (zip.entryCount > limits.maxEntries) {
    throw new ZipRefusedError(
      `The archive has ${zip.entryCount} entries; at most ${limits.maxEntries} are read.`,
    );
  }
  const entries = await entriesOf(zip);
  let total = 0;
  for (const { uncompressedSize, compressedSize } of entries) {
    total += uncompressedSize;
    const isBomb =
      uncompressedSize > RATIO_FLOOR_BYTES && uncompressedSize > compressedSize * limits.maxRatio;
    if (isBomb || total > limits.maxBytes) {
      throw new ZipRefusedError(`The archive unpacks to more than it may: at most ${limits.maxBytes} bytes.`);
    }
  }
  for (const entry of entries) await readThrough(zip, entry);
  zip.close();
  return entries.map(({ fileName }) => fileName);
}

function opened(archive: Buffer): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    fromBuffer(archive, { lazyEntries: true, autoClose: false, strictFileNames: true }, (error, zip) => {
      if (error) reject(unreadable());
      else resolve(zip);
    });
  });
}

function entriesOf(zip: ZipFile): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    zip.on('entry', (entry: Entry) => {
      if ((entry.generalPurposeBitFlag & 1) !== 0) {
        return reject(new ZipRefusedError('The archive is protected by a password.'));
      }
      entries.push(entry);
      zip.readEntry();
    });
    zip.on('end', () => resolve(entries));
    zip.on('error', () => reject(unreadable()));
    zip.readEntry();
  });
}

/** yauzl counts what it unpacks, and breaks off where the directory has lied. */
function readThrough(zip: ZipFile, entry: Entry): Promise<void> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) return reject(unreadable());
      stream.on('error', () => reject(unreadable()));
      stream.on('end', resolve);
      stream.resume();
    });
  });
}

function unreadable(): ZipRefusedError {
  return new ZipRefusedError('The archive is damaged, or is no archive.');
}
