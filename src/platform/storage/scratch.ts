import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, statfs, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalFile } from './blob-store';
import { StorageFullError } from './storage-full.error';

const SIGN_INTERVAL_MS = 300_000;
// Twelve signs that never came: whoever owned the folder is gone, on this machine or on another that shares the home.
const GONE_AFTER_MS = 3_600_000;
// Kept free for the databases, which often share the disk.
const RESERVED_BYTES = 64 * 1024 * 1024;

/** Copies on this machine of files that lie elsewhere; each process has a folder, and a crash leaves it behind. */
export class Scratch {
  private readonly own: string;
  private timer?: NodeJS.Timeout;

  constructor(private readonly root: string) {
    this.own = join(root, `${process.pid}.${randomBytes(6).toString('hex')}`);
  }

  /** A path at which nothing lies yet. Throws {@link StorageFullError} where so many bytes have no room. */
  async place(bytes = 0): Promise<LocalFile> {
    await mkdir(this.own, { recursive: true, mode: 0o700 });
    this.timer ??= this.startSigns();
    const { bavail, bsize } = await statfs(this.own);
    if (bavail * bsize < bytes + RESERVED_BYTES) throw new StorageFullError();
    const path = join(this.own, randomBytes(12).toString('hex'));
    return { path, release: () => rm(path, { force: true }) };
  }

  /** Removes what processes have left that have given no sign for an hour. */
  async sweep(now = Date.now()): Promise<void> {
    for (const name of await readdir(this.root).catch(() => [])) {
      const path = join(this.root, name);
      if (path === this.own) continue;
      const signedAt = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => now,
      );
      if (signedAt < now - GONE_AFTER_MS) await rm(path, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await rm(this.own, { recursive: true, force: true });
  }

  private startSigns(): NodeJS.Timeout {
    const timer = setInterval(() => {
      const now = new Date();
      utimes(this.own, now, now)
        .then(() => this.sweep())
        .catch(() => undefined);
    }, SIGN_INTERVAL_MS);
    return timer.unref();
  }
}
