import type { Database } from '../database/database.service';
import type { FileRecord } from './files.tables';

// Each job that makes a file of another runs both.

const LIVE = `
  SELECT id, tenant, name, content_type, bytes, sha256, blob, created_by, job_id, created_at, expires_at
  FROM stored_files WHERE id = $1 AND expires_at > now()`;

// The row before is read and locked first, because the join needs it; `old.blob` of PostgreSQL 18 is too new.
const PUT = `
  WITH before AS (SELECT tenant, blob FROM stored_files WHERE id = $1 FOR UPDATE)
  INSERT INTO stored_files
    (id, tenant, name, content_type, bytes, sha256, blob, created_by, job_id, created_at, expires_at)
  SELECT $1::text, $2::text, $3::text, $4::text, $5::bigint, $6::text, $7::text, $8::text, $9::text, $10::timestamptz,
    $11::timestamptz
  FROM (SELECT 1) AS one LEFT JOIN before ON true
  ON CONFLICT (id) DO UPDATE SET
    tenant = excluded.tenant, name = excluded.name, content_type = excluded.content_type, bytes = excluded.bytes,
    sha256 = excluded.sha256, blob = excluded.blob, created_by = excluded.created_by, job_id = excluded.job_id,
    created_at = excluded.created_at, expires_at = excluded.expires_at
  RETURNING (SELECT tenant FROM before) AS tenant, (SELECT blob FROM before) AS blob`;

interface StoredRow {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly content_type: string;
  /** A bigint. */
  readonly bytes: string;
  readonly sha256: string;
  readonly blob: string;
  readonly created_by: string;
  readonly job_id: string | null;
  readonly created_at: Date;
  readonly expires_at: Date;
}

/** A file of whatever tenant that has not expired. */
export async function liveRow(database: Database, id: string): Promise<FileRecord | undefined> {
  const [row] = await database.statement<StoredRow>(LIVE, [id]);
  if (row === undefined) return undefined;
  const { content_type, bytes, created_by, job_id, created_at, expires_at, ...same } = row;
  return {
    ...same,
    contentType: content_type,
    bytes: Number(bytes),
    createdBy: created_by,
    jobId: job_id,
    createdAt: created_at,
    expiresAt: expires_at,
  };
}

/** Writes or replaces a row in one commit; resolves with what it said before. */
export async function putRow(
  database: Database,
  { id, tenant, name, contentType, bytes, sha256, blob, createdBy, jobId, createdAt, expiresAt }: FileRecord,
): Promise<Pick<FileRecord, 'tenant' | 'blob'> | undefined> {
  const values = [id, tenant, name, contentType, bytes, sha256, blob, createdBy, jobId, createdAt, expiresAt];
  const [before] = await database.statement<{ tenant: string | null; blob: string | null }>(PUT, values);
  const { tenant: owner = null, blob: place = null } = before ?? {};
  return owner === null || place === null ? undefined : { tenant: owner, blob: place };
}
