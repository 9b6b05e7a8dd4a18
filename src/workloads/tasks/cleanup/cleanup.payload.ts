import { IsBoolean, IsIn, IsInt, Max, Min, ValidateBy, ValidateIf } from 'class-validator';
import { faultOfFolderPath } from './folder-path';
import { faultOfGlob } from './glob';

/** Document 004 gives this name. */
export const CLEANUP = 'CLEANUP';

export const cleanupTargets = ['temp_files', 'old_logs', 'expired_sessions'] as const;
export type CleanupTarget = (typeof cleanupTargets)[number];

const HOUR_MS = 3_600_000;
const TEN_YEARS_MS = 315_360_000_000;
const GIB = 1_073_741_824;
export const MIN_AGE_MS = HOUR_MS;
export const DEFAULT_MAX_FILES = 10_000;
export const DEFAULT_MAX_BYTES = 10 * GIB;

/** Unlike class-validator's own decorator this does not let null through. */
const mayBeLeftOut = () => ValidateIf((_payload, value) => value !== undefined);

/** Accepts a text that the check finds no fault with; the fault, which names the fix, becomes the message. */
const hasNoFault = (name: string, faultOf: (text: string) => string | undefined) =>
  ValidateBy({
    name,
    validator: {
      validate: (value) => typeof value === 'string' && faultOf(value) === undefined,
      defaultMessage: (args) => {
        const fault = typeof args?.value === 'string' ? faultOf(args.value) : 'must be a text';
        return `${args?.property} ${fault}`;
      },
    },
  });

const belongsToFiles = () =>
  ValidateBy({
    name: 'belongsToFiles',
    validator: {
      validate: (_value, args) =>
        (args?.object as CleanupPayload | undefined)?.targetType !== 'expired_sessions',
      defaultMessage: (args) =>
        `${args?.property} belongs to temp_files and old_logs: leave it out for expired_sessions`,
    },
  });

/** Payload of `CLEANUP`, with the fields of document 004 and three that bound what one job may do. */
export class CleanupPayload {
  @IsIn(cleanupTargets)
  targetType!: CleanupTarget;

  /** Only what was last written, or has expired, longer ago than so many milliseconds. */
  @Min(MIN_AGE_MS, {
    message: `olderThan must be at least ${MIN_AGE_MS}, one hour in milliseconds: what is younger may be in use`,
  })
  @Max(TEN_YEARS_MS)
  @IsInt()
  olderThan!: number;

  /** A folder below the target's root, with `/` between its parts; the root itself where it is left out. */
  @mayBeLeftOut()
  @belongsToFiles()
  @hasNoFault('isFolderPath', faultOfFolderPath)
  path?: string;

  /** Of `*`, `?` and `**`. Without a `/` it is compared with the names of files, else with their paths below `path`. */
  @mayBeLeftOut()
  @belongsToFiles()
  @hasNoFault('isGlob', faultOfGlob)
  pattern?: string;

  /** Counts what would go, and removes nothing. */
  @mayBeLeftOut()
  @IsBoolean()
  dryRun?: boolean;

  /** Files, or sessions, that one job removes at most. */
  @mayBeLeftOut()
  @IsInt()
  @Min(1)
  @Max(100_000)
  maxFiles?: number;

  /** Bytes that one job removes at most. */
  @mayBeLeftOut()
  @belongsToFiles()
  @IsInt()
  @Min(1)
  @Max(1_024 * GIB)
  maxBytes?: number;
}
