import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Settings } from '../../config/settings';
import type { Principal } from '../../platform/auth/principal';
import { Database } from '../../platform/database/database.service';
import { newFileId } from '../../platform/files/file-id';
import { FileQuotaError, Files } from '../../platform/files/files.service';
import type { FileRecord } from '../../platform/files/files.tables';
import { drainBody } from '../../platform/http/drain-body';
import { noteBodyFingerprint, wantsBodyFingerprint } from '../../platform/idempotency/streamed-body';
import { problem } from '../../platform/problems/problem-catalogue';
import { nextIdSeed } from '../../platform/queue/id-seed';
import { FileStorage } from '../../platform/storage/file-storage.service';
import { FormFingerprint } from '../../platform/uploads/form-fingerprint';
import { readUploadForm, refuseUploadEarly } from '../../platform/uploads/upload-form';

export const UPLOAD_LIMIT = 'FILE_MAX_BYTES';

const MAX_TYPE_CHARACTERS = 100;

/** Takes the file of a form into the storage: whole and recorded, or not at all. */
@Injectable()
export class FileUploads {
  constructor(
    private readonly settings: Settings,
    private readonly database: Database,
    private readonly storage: FileStorage,
    private readonly files: Files,
  ) {}

  async accept(request: FastifyRequest, principal: Principal): Promise<FileRecord> {
    try {
      const announced = refuseUploadEarly(request, this.settings.FILE_MAX_BYTES, UPLOAD_LIMIT);
      await this.database.pingMs();
      await this.files.assertQuotaFor(principal.tenant, announced);
      await this.storage.assertRoomFor(announced);
      return await this.receive(request, principal);
    } catch (error) {
      drainBody(request);
      if (!(error instanceof FileQuotaError)) throw error;
      throw problem('file_quota_reached', { detail: error.message }, error);
    }
  }

  private async receive(request: FastifyRequest, { id: createdBy, tenant }: Principal): Promise<FileRecord> {
    const fingerprint = wantsBodyFingerprint(request) ? new FormFingerprint() : undefined;
    const id = newFileId(nextIdSeed());
    let stored: FileRecord | undefined;
    // Its name and type stand in front of its bytes in the form, but are only known to be right with the whole.
    const form = await readUploadForm(request, {
      fields: [],
      limitedBy: UPLOAD_LIMIT,
      store: async (file, { name, type }) => {
        const contentType = mediaTypeOf(type);
        const bytes = fingerprint?.file('file', file) ?? file;
        stored = await this.files.create({ id, tenant, name, contentType, createdBy }, bytes);
        return stored;
      },
    }).catch(async (error: unknown) => {
      if (stored !== undefined) await this.files.remove(stored.id, tenant);
      throw error;
    });
    if (fingerprint !== undefined) noteBodyFingerprint(request, fingerprint.toString());
    if (stored === undefined) throw new Error(`The form with ${form.fileName} was read without its file.`);
    return stored;
  }
}

/** The declared type when it looks like one; it is shown and sent back, never trusted. */
function mediaTypeOf(declared: string): string {
  const isType = /^[a-z0-9][a-z0-9.+-]{0,60}\/[a-z0-9][a-z0-9.+-]{0,60}$/.test(declared);
  return isType && declared.length <= MAX_TYPE_CHARACTERS ? declared : 'application/octet-stream';
}
