import type { StoredFile } from '../../platform/storage/stored-file';

export const UPLOADS = 'validation-uploads';
export const REPORTS = 'validation-reports';

/** What the names of a run's files are made of. */
export interface FileOwner {
  readonly tenant: string;
  readonly id: string;
  readonly fileId: string;
  readonly attempt: number;
}

export function uploadOf({ tenant, fileId }: Pick<FileOwner, 'tenant' | 'fileId'>): StoredFile {
  return { purpose: UPLOADS, tenant, name: `${fileId}.csv` };
}

/** Each attempt writes a report of its own; that of the attempt which completed the run is the run's. */
export function reportOf({ tenant, id, attempt }: Omit<FileOwner, 'fileId'>): StoredFile {
  return { purpose: REPORTS, tenant, name: `${id}.${attempt}.csv` };
}

/** The file id of an upload, or the run id of a report, whatever follows it. */
export function ownerInName({ name }: StoredFile): string {
  return name.split('.', 1)[0] ?? '';
}
