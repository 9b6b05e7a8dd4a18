import { Injectable } from '@nestjs/common';
import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { Settings } from '../../../config/settings';
import { SessionStore } from '../../../platform/auth/session.store';
import type { JobEffects } from '../../../platform/effects/job-effects';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { emptyReport, type CleanupReport } from './cleanup-report';
import { CleanupWalk, type WalkListener } from './cleanup-walk';
import { DEFAULT_MAX_BYTES, DEFAULT_MAX_FILES, type CleanupPayload } from './cleanup.payload';
import { foldersOf } from './folder-path';
import { NoFolderError, OpenFolder } from './open-folder';

/** A root, or a folder below it, that must not be cleaned; the message says which and what to do. */
export class CleanupRefusedError extends HopelessJobError {
  constructor(message: string) {
    super(message);
    this.name = 'CleanupRefusedError';
  }
}

/** Removes old files below the roots of the settings, and sessions that have expired. */
@Injectable()
export class CleanupService {
  constructor(
    private readonly settings: Settings,
    private readonly sessions: SessionStore,
  ) {}

  /** Throws {@link CleanupRefusedError}, the reason of the signal, or the error of the file system. */
  async clean(
    payload: CleanupPayload,
    effects: JobEffects,
    listener: WalkListener,
    signal: AbortSignal,
  ): Promise<CleanupReport> {
    if (payload.targetType === 'expired_sessions') return this.cleanSessions(payload, effects);
    // A start after a crash finds less to remove, and reports that.
    return effects.atLeastOnce('files', () => this.cleanFiles(payload, listener, signal));
  }

  private cleanSessions(payload: CleanupPayload, effects: JobEffects): Promise<CleanupReport> {
    const { targetType, olderThan, dryRun = false, maxFiles = DEFAULT_MAX_FILES } = payload;
    return effects.once('sessions', async (transaction) => {
      const begunAt = performance.now();
      const before = new Date(Date.now() - olderThan);
      const removed = dryRun
        ? await this.sessions.countExpired(before, maxFiles, transaction)
        : await this.sessions.removeExpired(before, maxFiles, transaction);
      const report = emptyReport(targetType, dryRun);
      return {
        ...report,
        scanned: removed,
        removed,
        isCut: removed >= maxFiles,
        tookMs: Math.round(performance.now() - begunAt),
      };
    });
  }

  private async cleanFiles(
    payload: CleanupPayload,
    listener: WalkListener,
    signal: AbortSignal,
  ): Promise<CleanupReport> {
    const begunAt = performance.now();
    const { targetType, olderThan, dryRun = false } = payload;
    const report = emptyReport(targetType, dryRun);
    const open: OpenFolder[] = [];
    try {
      const start = await this.openStart(payload, open);
      const [root] = open;
      if (start !== undefined && root !== undefined) {
        const limits = {
          before: Date.now() - olderThan,
          pattern: payload.pattern,
          maxFiles: payload.maxFiles ?? DEFAULT_MAX_FILES,
          maxBytes: payload.maxBytes ?? DEFAULT_MAX_BYTES,
        };
        const place = { path: await this.checkedPath(root, targetType), device: root.device };
        await new CleanupWalk(place, limits, report, listener, signal).visit(start);
      }
    } finally {
      for (const folder of open) await folder.close();
    }
    report.tookMs = Math.round(performance.now() - begunAt);
    return report;
  }

  /** The folder to begin with, each one on the way opened without following a link; undefined where it is not there. */
  private async openStart(
    { targetType, path }: CleanupPayload,
    open: OpenFolder[],
  ): Promise<OpenFolder | undefined> {
    const { setting, path: rootPath } = this.rootOf(targetType);
    let folder: OpenFolder | undefined;
    try {
      folder = await OpenFolder.at(rootPath);
    } catch (error) {
      if (!(error instanceof NoFolderError)) throw error;
      throw new CleanupRefusedError(`${setting} is a link or no folder: name the folder itself.`);
    }
    if (folder !== undefined) open.push(folder);
    for (const name of path === undefined ? [] : foldersOf(path)) {
      try {
        folder = await folder?.child(name);
      } catch (error) {
        if (!(error instanceof NoFolderError)) throw error;
        throw new CleanupRefusedError(
          'path leads through a link or a file, and links are not followed: name a folder below the root.',
        );
      }
      if (folder === undefined) return undefined;
      open.push(folder);
    }
    return folder;
  }

  /** Where the root really is. The settings were compared as they are written; links on the way show only here. */
  private async checkedPath(root: OpenFolder, target: CleanupPayload['targetType']): Promise<string> {
    const path = await root.path();
    const home = await realpath(this.settings.home).catch(() => this.settings.home);
    if (path === sep || home === path || home.startsWith(path + sep)) {
      throw new CleanupRefusedError(
        `${this.rootOf(target).setting} leads to a folder that holds HOLDFAST_HOME: name another one.`,
      );
    }
    return path;
  }

  private rootOf(target: CleanupPayload['targetType']): { setting: string; path: string } {
    return target === 'old_logs'
      ? { setting: 'CLEANUP_LOG_ROOT', path: this.settings.cleanupLogRoot }
      : { setting: 'CLEANUP_TEMP_ROOT', path: this.settings.cleanupTempRoot };
  }
}
