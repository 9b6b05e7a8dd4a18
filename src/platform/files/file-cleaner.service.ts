import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { asc, inArray, lt } from 'drizzle-orm';
import { isDatabaseAway } from '../database/database-unavailable.error';
import { Database } from '../database/database.service';
import { Leader } from '../leader/leader.service';
import { FileStorage } from '../storage/file-storage.service';
import type { StoredFile } from '../storage/stored-file';
import { blobOf, FILES } from './files.service';
import { storedFiles } from './files.tables';

const EXPIRY_INTERVAL_MS = 60_000;
const SWEEP_INTERVAL_MS = 600_000;
// Longer than any writer leaves its file untouched before its row is there.
const ORPHAN_AGE_MS = 3_600_000;
const BATCH_SIZE = 200;
const MAX_BATCHES_PER_TURN = 50;

/** Removes files that have expired, and bytes whose file was never recorded or is gone. */
@Injectable()
export class FileCleaner implements OnApplicationBootstrap {
  private readonly logger = new Logger('Files');

  constructor(
    private readonly database: Database,
    private readonly storage: FileStorage,
    private readonly leader: Leader,
  ) {}

  onApplicationBootstrap(): void {
    let sweptAt = -Infinity;
    this.leader.every('file-cleaner', EXPIRY_INTERVAL_MS, async () => {
      if (!this.database.isSchemaReady) return;
      try {
        await this.removeExpired();
        if (Date.now() - sweptAt < SWEEP_INTERVAL_MS) return;
        await this.removeOrphans();
        sweptAt = Date.now();
      } catch (error) {
        if (!isDatabaseAway(error)) throw error;
      }
    });
  }

  /** At most 10,000 files; resolves with the number of those removed. */
  async removeExpired(now = Date.now()): Promise<number> {
    let removed = 0;
    for (let batch = 0; batch < MAX_BATCHES_PER_TURN; batch += 1) {
      const { query } = this.database;
      const old = query
        .select({ id: storedFiles.id })
        .from(storedFiles)
        .where(lt(storedFiles.expiresAt, new Date(now)))
        .orderBy(asc(storedFiles.expiresAt))
        .limit(BATCH_SIZE);
      const gone = await query.delete(storedFiles).where(inArray(storedFiles.id, old)).returning();
      for (const record of gone) await this.storage.remove(blobOf(record));
      removed += gone.length;
      if (gone.length < BATCH_SIZE) break;
    }
    if (removed > 0) this.logger.log(`Removed ${removed} files that have expired.`);
    return removed;
  }

  /** Resolves with the number of files without a record that were removed. */
  async removeOrphans(ageMs = ORPHAN_AGE_MS): Promise<number> {
    const removed = await this.storage.sweep(FILES, ageMs, (files) => this.unknown(files));
    if (removed > 0) this.logger.log(`Removed ${removed} files that nobody knows.`);
    return removed;
  }

  private async unknown(files: readonly StoredFile[]): Promise<StoredFile[]> {
    const names = files.map(({ name }) => name);
    const known = await this.database.query
      .select({ blob: storedFiles.blob })
      .from(storedFiles)
      .where(inArray(storedFiles.blob, names));
    const kept = new Set(known.map(({ blob }) => blob));
    return files.filter(({ name }) => !kept.has(name));
  }
}
