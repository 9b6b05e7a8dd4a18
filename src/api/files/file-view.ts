import type { FileRecord } from '../../platform/files/files.tables';
import type { FileDto } from './file.dto';

export const FILES_PATH = '/api/files';

export function fileView(record: FileRecord): FileDto {
  const { id, name, contentType, bytes, sha256, createdBy, jobId } = record;
  const self = `${FILES_PATH}/${id}`;
  return {
    id,
    name,
    contentType,
    bytes,
    sha256,
    createdBy,
    jobId,
    createdAt: record.createdAt.toISOString(),
    expiresAt: record.expiresAt.toISOString(),
    links: { self, content: `${self}/content`, share: `${self}/links` },
  };
}
