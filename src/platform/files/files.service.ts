import { Injectable, Logger } from '@nestjs/common';
import { and, desc, eq, sql, type SQL } from 'drizzle-orm';
import { createHash, randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { pipeline, Transform, type Readable } from 'node:stream';
import { Settings } from '../../config/settings';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Database } from '../database/database.service';
import { FileStorage } from '../storage/file-storage.service';
import type { OpenedFile } from '../storage/blob-store';
import { FileTooLargeError } from '../storage/durable-file-writer';
import { openPlainFile, UnsafeFileError } from '../storage/plain-file';
import type { StoredFile } from '../storage/stored-file';
import { isFileId, newFileId } from './file-id';
import { liveRow, putRow } from './file-rows';
import { storedFiles, type FileRecord } from './files.tables';

export const FILES = 'files';

const HOUR_MS = 3_600_000;
const HASH_READ_BYTES = 262_144;
// For so long a tenant that had room is not asked about again where a job makes its file.
const ROOM_SEEN_MS = 1_000;
const MAX_TENANTS_SEEN = 1_000;

/** What is known of a file before its bytes are. */
export interface NewFile {
  /** A file that is written again under its id replaces the one there was. */
  readonly id?: string;
  readonly tenant: string;
  readonly name: string;
  readonly contentType: string;
  readonly createdBy: string;
  readonly jobId?: string;
}

type KnownFile = NewFile & Pick<FileRecord, 'id' | 'bytes' | 'sha256'>;

/** Where the next page of a list begins: right after this file. */
export type FilePosition = Pick<FileRecord, 'createdAt' | 'id'>;

/** A tenant's files together would be more than it may keep. */
export class FileQuotaError extends Error {
  constructor(readonly maxBytes: number) {
    super(`The files of this tenant may have ${maxBytes} bytes together.`);
    this.name = 'FileQuotaError';
  }
}

/** Files that outlive their request: by id, per tenant, with what is known of each in PostgreSQL, until they expire. */
@Injectable()
export class Files {
  private readonly logger = new Logger('Files');
  private readonly roomSeen = new Map<string, number>();

  constructor(
    private readonly settings: Settings,
    private readonly database: Database,
    private readonly storage: FileStorage,
  ) {}

  /** Rejects with {@link FileQuotaError} when the tenant has no room for so many bytes more. */
  async assertQuotaFor(tenant: string, bytes: number): Promise<void> {
    this.database.assertReady();
    const { FILE_TENANT_BYTES } = this.settings;
    const [used] = await this.database.query
      .select({ bytes: sql<string>`coalesce(sum(${storedFiles.bytes}), 0)` })
      .from(storedFiles)
      .where(eq(storedFiles.tenant, tenant));
    if (Number(used?.bytes ?? 0) + bytes > FILE_TENANT_BYTES) throw new FileQuotaError(FILE_TENANT_BYTES);
  }

  /**
   * Streams a file in; it is there once every byte is on the disk and its row is written, or not at all.
   * Throws FileTooLargeError, StorageFullError, {@link FileQuotaError}, or the error of the source.
   */
  async create(
    file: NewFile,
    source: Readable,
    maxBytes = this.settings.FILE_MAX_BYTES,
  ): Promise<FileRecord> {
    await this.assertQuotaFor(file.tenant, 0);
    const { id, blob } = placeOf(file);
    const hash = createHash('sha256');
    const { bytes } = await this.storage.write(blob, hashed(source, hash), maxBytes);
    return this.record({ ...file, id, bytes, sha256: hash.digest('hex') }, blob);
  }

  /**
   * Takes over a file that was made on this machine, which is moved, not copied, where it can be; it is there once every
   * byte is on the disk and its row is written, or not at all. Throws as {@link create} does, and UnsafeFileError.
   */
  async adopt(file: NewFile, path: string, maxBytes = this.settings.FILE_MAX_BYTES): Promise<FileRecord> {
    await this.assertQuotaSeen(file.tenant);
    const finished = await openPlainFile(path);
    if (finished === undefined) throw new Error('The file that was made is gone.');
    try {
      const { bytes, handle } = finished;
      if (bytes > maxBytes) throw new FileTooLargeError(maxBytes);
      const { id, blob } = placeOf(file);
      const sha256 = await hashOf(handle, bytes);
      await this.storage.adopt(blob, { ...finished, path });
      return await this.record({ ...file, id, bytes, sha256 }, blob);
    } finally {
      await finished.handle.close();
    }
  }

  /** Undefined for an id of no file of the tenant, and for one that has expired. */
  async find(id: string, tenant: string): Promise<FileRecord | undefined> {
    if (!isFileId(id)) return undefined;
    this.database.assertReady();
    const record = await liveRow(this.database, id);
    return record?.tenant === tenant ? record : undefined;
  }

  /** A file of whatever tenant, for whoever has yet to prove by a link that they may have it. */
  async findForLink(id: string): Promise<FileRecord | undefined> {
    if (!isFileId(id)) return undefined;
    this.database.assertReady();
    return liveRow(this.database, id);
  }

  /** The bytes of a file; undefined when they are gone, or something else lies there. The caller closes it. */
  async open(record: FileRecord): Promise<OpenedFile | undefined> {
    try {
      return await this.storage.open(blobOf(record));
    } catch (error) {
      if (!(error instanceof UnsafeFileError)) throw error;
      this.logger.error({ msg: error.message, file: record.id });
      return undefined;
    }
  }

  /** Newest first. */
  async list(options: { tenant: string; limit: number; after?: FilePosition }): Promise<FileRecord[]> {
    const { tenant, limit, after } = options;
    this.database.assertReady();
    const conditions: SQL[] = [eq(storedFiles.tenant, tenant), sql`${storedFiles.expiresAt} > now()`];
    if (after !== undefined) {
      const at = after.createdAt.toISOString();
      conditions.push(sql`(${storedFiles.createdAt}, ${storedFiles.id}) < (${at}::timestamptz, ${after.id})`);
    }
    return this.database.query
      .select()
      .from(storedFiles)
      .where(and(...conditions))
      .orderBy(desc(storedFiles.createdAt), desc(storedFiles.id))
      .limit(limit);
  }

  /** False when there is no such file of the tenant. */
  async remove(id: string, tenant: string): Promise<boolean> {
    if (!isFileId(id)) return false;
    this.database.assertReady();
    const [gone] = await this.database.query
      .delete(storedFiles)
      .where(and(eq(storedFiles.id, id), eq(storedFiles.tenant, tenant)))
      .returning();
    if (gone === undefined) return false;
    await this.storage.remove(blobOf(gone));
    return true;
  }

  /** Jobs that make files one after the other need no sum over all of them for each. */
  private async assertQuotaSeen(tenant: string): Promise<void> {
    const now = performance.now();
    const seenAt = this.roomSeen.get(tenant);
    if (seenAt !== undefined && now - seenAt < ROOM_SEEN_MS) return;
    await this.assertQuotaFor(tenant, 0);
    if (this.roomSeen.size > MAX_TENANTS_SEEN) this.roomSeen.clear();
    this.roomSeen.set(tenant, now);
  }

  private async record(
    { id, tenant, name, contentType, createdBy, jobId, bytes, sha256 }: KnownFile,
    blob: StoredFile,
  ): Promise<FileRecord> {
    const createdAt = new Date();
    const expiresAt = new Date(createdAt.getTime() + this.settings.FILE_RETENTION_HOURS * HOUR_MS);
    const said = { id, tenant, name, contentType, createdBy, jobId: jobId ?? null };
    const record: FileRecord = { ...said, bytes, sha256, blob: blob.name, createdAt, expiresAt };
    try {
      const replaced = await putRow(this.database, record);
      if (replaced !== undefined) await this.storage.remove(blobOf(replaced));
      return record;
    } catch (error) {
      // With the database away the row may be there all the same; the bytes are swept when it is not.
      if (!isDatabaseAway(error)) await this.storage.remove(blob);
      throw error;
    }
  }
}

// A name of its own for each writing, so that a zombie and its successor never share one.
function placeOf({ id = newFileId(), tenant }: NewFile): { id: string; blob: StoredFile } {
  return { id, blob: { purpose: FILES, tenant, name: `${id}.${randomBytes(6).toString('hex')}` } };
}

/** Where the bytes of a file lie. */
export function blobOf({ tenant, blob }: Pick<FileRecord, 'tenant' | 'blob'>): StoredFile {
  return { purpose: FILES, tenant, name: blob };
}

/** Without a stream, which costs more than to hash the file that most jobs make. */
async function hashOf(handle: FileHandle, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(bytes, HASH_READ_BYTES));
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw new Error('The file that was made became shorter.');
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest('hex');
}

function hashed(source: Readable, hash: ReturnType<typeof createHash>): Readable {
  const hashing = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  // Its failure reaches whoever reads the bytes.
  return pipeline(source, hashing, () => undefined);
}
