import { isStorable, type StoredFile } from '../storage/stored-file';

export const RESULTS = 'results';

/** What stands in the job for a result that lies in the storage. */
export interface ResultReference {
  readonly stored: true;
  readonly bytes: number;
  /** Of the whole file, in hexadecimal. */
  readonly sha256: string;
  readonly contentType: string;
  /** The file's name in the storage. */
  readonly file: string;
  /** Where callers get it. */
  readonly link: string;
}

/** A name of its own for each start of the job, so that a zombie and its successor never write the same file. */
export function resultFileName(jobId: string, starts: number, startedAt: number): string {
  return `${jobId}.${starts}-${startedAt}.json`;
}

/** The job whose result a file is; undefined for whatever {@link resultFileName} cannot have made. */
export function ownerOfResultFile(name: string): string | undefined {
  return /^([A-Za-z0-9_-]{1,100})\.\d+-\d+\.json$/.exec(name)?.[1];
}

/**
 * The reference that a job's result is, undefined for any other result. A handler may return what it likes:
 * a file of another job is never meant.
 */
export function referenceOf(jobId: string, result: unknown): ResultReference | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  const { stored, bytes, sha256, contentType, file } = result as Partial<
    Record<keyof ResultReference, unknown>
  >;
  const isOurs =
    stored === true &&
    typeof bytes === 'number' &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    contentType === 'application/json' &&
    typeof file === 'string' &&
    ownerOfResultFile(file) === jobId;
  return isOurs ? (result as ResultReference) : undefined;
}

/** Where a result lies; undefined for a job whose id or tenant cannot name a file. */
export function resultFile(tenant: string, name: string): StoredFile | undefined {
  const file = { purpose: RESULTS, tenant, name };
  return isStorable(file) ? file : undefined;
}
