import type { Stats } from 'node:fs';
import { sep } from 'node:path';
import type { CleanupReport } from './cleanup-report';
import { matchesGlob } from './glob';
import { NoFolderError, OpenFolder } from './open-folder';

// Two descriptors a level, of the 1,024 that a process commonly has.
export const MAX_DEPTH = 64;
const MAX_SCANNED = 1_000_000;
const REPORT_INTERVAL_MS = 1_000;
const refusals = new Set(['EACCES', 'EPERM', 'EBUSY', 'EISDIR', 'ENAMETOOLONG']);

/** What a walk may remove, and how much of it. */
export interface WalkLimits {
  /** Epoch milliseconds; what was written since stays. */
  readonly before: number;
  readonly pattern: string | undefined;
  readonly maxFiles: number;
  readonly maxBytes: number;
}

/** Hears of the counts about once a second. */
export type WalkListener = (counts: Pick<CleanupReport, 'scanned' | 'removed' | 'bytes'>) => Promise<void>;

/**
 * Removes old plain files below a root, folder by folder. What is left of races: a file that somebody puts under the
 * name of an old one in the same folder, between look and unlink, goes in its place. A folder that is mounted into the
 * root from the same file system looks like any other, and a folder moved out after its check is emptied there.
 */
export class CleanupWalk {
  private listenedAt = performance.now();

  constructor(
    private readonly root: { readonly path: string; readonly device: number },
    private readonly limits: WalkLimits,
    private readonly report: CleanupReport,
    private readonly listener: WalkListener,
    private readonly signal: AbortSignal,
  ) {}

  /** Resolves with whether anything in the folder was removed; rejects with the reason of the signal. */
  async visit(folder: OpenFolder, at: readonly string[] = []): Promise<boolean> {
    if (!(await this.isInside(folder))) {
      this.report.skipped.outside += 1;
      return false;
    }
    let hasRemoved = false;
    for await (const name of folder.names()) {
      this.signal.throwIfAborted();
      if (this.isFull()) break;
      await this.tell();
      if (await this.visitName(folder, name, [...at, name])) hasRemoved = true;
    }
    return hasRemoved;
  }

  private async visitName(folder: OpenFolder, name: string, at: readonly string[]): Promise<boolean> {
    const { report, root } = this;
    const { skipped } = report;
    try {
      const found = await folder.look(name);
      report.scanned += 1;
      if (found === undefined) skipped.vanished += 1;
      else if (found.isSymbolicLink()) skipped.links += 1;
      else if (found.dev !== root.device) skipped.outside += 1;
      else if (found.isDirectory()) return await this.visitFolder(folder, name, at);
      else if (!found.isFile()) skipped.special += 1;
      else if (found.nlink > 1) skipped.hardLinks += 1;
      else if (found.mtimeMs >= this.limits.before) skipped.young += 1;
      else if (!this.isMeant(at)) skipped.unmatched += 1;
      else return await this.removeFile(folder, name, found);
    } catch (error) {
      this.countOrThrow(error);
    }
    return false;
  }

  private async removeFile(folder: OpenFolder, name: string, { size }: Stats): Promise<boolean> {
    const { report, limits } = this;
    if (report.bytes + size > limits.maxBytes) {
      // A smaller one may still fit, so that one large file does not keep all others for ever.
      report.isCut = true;
      return false;
    }
    if (!report.dryRun) await folder.removeFile(name);
    report.removed += 1;
    report.bytes += size;
    return true;
  }

  private async visitFolder(parent: OpenFolder, name: string, at: readonly string[]): Promise<boolean> {
    const { report } = this;
    if (at.length > MAX_DEPTH) {
      report.skipped.tooDeep += 1;
      return false;
    }
    const folder = await parent.child(name);
    if (folder === undefined) {
      report.skipped.vanished += 1;
      return false;
    }
    let mayGo: boolean;
    try {
      const hasRemoved = await this.visit(folder, at);
      // An old one that is empty is what a killed start has left.
      const isForgotten = this.limits.pattern === undefined && folder.modifiedMs < this.limits.before;
      mayGo = !report.dryRun && folder.device === this.root.device && (hasRemoved || isForgotten);
    } finally {
      await folder.close();
    }
    if (!mayGo || !(await isGone(parent.removeFolder(name)))) return false;
    report.folders += 1;
    return true;
  }

  private async isInside(folder: OpenFolder): Promise<boolean> {
    const { path, device } = this.root;
    if (folder.device !== device) return false;
    const now = await folder.path();
    return now === path || now.startsWith(path + sep);
  }

  private isFull(): boolean {
    const { report, limits } = this;
    if (report.removed < limits.maxFiles && report.scanned < MAX_SCANNED) return false;
    report.isCut = true;
    return true;
  }

  private isMeant(at: readonly string[]): boolean {
    const { pattern } = this.limits;
    return pattern === undefined || matchesGlob(pattern, at);
  }

  private countOrThrow(error: unknown): void {
    const { skipped } = this.report;
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') skipped.vanished += 1;
    // A link or a file has taken the folder's place.
    else if (error instanceof NoFolderError) skipped.links += 1;
    else if (refusals.has(code)) skipped.refused += 1;
    else throw error;
  }

  private async tell(): Promise<void> {
    if (performance.now() - this.listenedAt < REPORT_INTERVAL_MS) return;
    this.listenedAt = performance.now();
    const { scanned, removed, bytes } = this.report;
    await this.listener({ scanned, removed, bytes });
  }
}

/** Whether the folder went; one that has something in it, or is another's by now, stays. */
async function isGone(removing: Promise<void>): Promise<boolean> {
  return removing.then(
    () => true,
    () => false,
  );
}
