import type { CleanupTarget } from './cleanup.payload';

/** Why something was left where it is, and how often. */
export interface Skipped {
  /** Symbolic links: neither followed nor removed. */
  links: number;
  /** Files with a second name: it may be anybody's. */
  hardLinks: number;
  /** Pipes, sockets and devices. */
  special: number;
  young: number;
  unmatched: number;
  /** On another file system, or moved out of the root while the job ran. */
  outside: number;
  tooDeep: number;
  /** Gone when they were looked at, or with a name that is no UTF-8. */
  vanished: number;
  /** The system did not allow to look at them, or to remove them. */
  refused: number;
}

/** What a job removed or, as a dry run, would have; of the start that came to its end. */
export interface CleanupReport {
  readonly targetType: CleanupTarget;
  readonly dryRun: boolean;
  scanned: number;
  removed: number;
  bytes: number;
  /** Folders that were empty afterwards and were removed, too. */
  folders: number;
  readonly skipped: Skipped;
  /** Whether a limit ended the work before everything was looked at or removed. */
  isCut: boolean;
  tookMs: number;
}

/** The report of a job that has not done anything yet. */
export function emptyReport(targetType: CleanupTarget, dryRun: boolean): CleanupReport {
  return {
    targetType,
    dryRun,
    scanned: 0,
    removed: 0,
    bytes: 0,
    folders: 0,
    skipped: {
      links: 0,
      hardLinks: 0,
      special: 0,
      young: 0,
      unmatched: 0,
      outside: 0,
      tooDeep: 0,
      vanished: 0,
      refused: 0,
    },
    isCut: false,
    tookMs: 0,
  };
}
