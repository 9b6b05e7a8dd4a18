import { Injectable, Logger } from '@nestjs/common';
import { and, desc, eq, sql, type SQL } from 'drizzle-orm';
import { createHash, randomBytes } from 'node:crypto';
import { pipeline, Transform, type Readable } from 'node:stream';
import { Settings } from '../../config/settings';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Database } from '../database/database.service';
import { FileStorage } from '../storage/file-storage.service';
import type { OpenedFile } from '../storage/blob-store';
import { UnsafeFileError } from '../storage/plain-file';
import type { StoredFile } from '../storage/stored-file';
import { isFileId, newFileId } from './file-id';
import { storedFiles, type FileRecord } from './files.tables';

export const FILES = 'files';

const HOUR_MS = 3_600_000;

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
    const id = file.id ?? newFileId();
    // A name of its own for each writing, so that a zombie and its successor never share one.
    const blob = { purpose: FILES, tenant: file.tenant, name: `${id}.${randomBytes(6).toString('hex')}` };
    const hash = createHash('sha256');
    const { bytes } = await this.storage.write(blob, hashed(source, hash), maxBytes);
    const createdAt = new Date();
    const record: FileRecord = {
      id,
      tenant: file.tenant,
      name: file.name,
      contentType: file.contentType,
      bytes,
      sha256: hash.digest('hex'),
      blob: blob.name,
      createdBy: file.createdBy,
      jobId: file.jobId ?? null,
      createdAt,
      expiresAt: new Date(createdAt.getTime() + this.settings.FILE_RETENTION_HOURS * HOUR_MS),
    };
    return this.record(record, blob);
  }

  /** Undefined for an id of no file of the tenant, and for one that has expired. */
  async find(id: string, tenant: string): Promise<FileRecord | undefined> {
    if (!isFileId(id)) return undefined;
    this.database.assertReady();
    const [record] = await this.database.query
      .select()
      .from(storedFiles)
      .where(
        and(eq(storedFiles.id, id), eq(storedFiles.tenant, tenant), sql`${storedFiles.expiresAt} > now()`),
      );
    return record;
  }

  /** A file of whatever tenant, for whoever has yet to prove by a link that they may have it. */
  async findForLink(id: string): Promise<FileRecord | undefined> {
    if (!isFileId(id)) return undefined;
    this.database.assertReady();
    const [record] = await this.database.query
      .select()
      .from(storedFiles)
      .where(and(eq(storedFiles.id, id), sql`${storedFiles.expiresAt} > now()`));
    return record;
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

  private async record(record: FileRecord, blob: StoredFile): Promise<FileRecord> {
    try {
      const replaced = await this.database.transaction(async (transaction) => {
        const [before] = await transaction
          .select()
          .from(storedFiles)
          .where(eq(storedFiles.id, record.id))
          .for('update');
        await transaction
          .insert(storedFiles)
          .values(record)
          .onConflictDoUpdate({ target: storedFiles.id, set: record });
        return before;
      });
      if (replaced !== undefined) await this.storage.remove(blobOf(replaced));
      return record;
    } catch (error) {
      // With the database away the row may be there all the same; the bytes are swept when it is not.
      if (!isDatabaseAway(error)) await this.storage.remove(blob);
      throw error;
    }
  }
}

/** Where the bytes of a file lie. */
export function blobOf({ tenant, blob }: Pick<FileRecord, 'tenant' | 'blob'>): StoredFile {
  return { purpose: FILES, tenant, name: blob };
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
