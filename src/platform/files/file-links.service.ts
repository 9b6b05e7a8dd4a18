import { Injectable } from '@nestjs/common';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Settings } from '../../config/settings';
import { derivedKey, SharedKeys } from '../auth/shared-keys.service';
import { Files } from './files.service';
import type { FileRecord } from './files.tables';

const HOUR_MS = 3_600_000;

/** What stands in a link beside the id of its file. */
export interface FileLinkProof {
  /** When the link ends, in seconds since 1970. */
  readonly expires: string;
  /** 32 bytes in base64url. */
  readonly signature: string;
}

/** A link that has just been made. */
export interface FileLink extends FileLinkProof {
  readonly expiresAt: Date;
}

/**
 * Links under which one file can be had for a while without a key. They are signed with FILE_LINK_SECRET, or with a
 * key derived from the secret of the sessions, which all processes share; nothing is stored, so that a link ends with
 * its time, its file or that secret.
 */
@Injectable()
export class FileLinks {
  constructor(
    private readonly settings: Settings,
    private readonly files: Files,
    private readonly keys: SharedKeys,
  ) {}

  /** The longest that a link may live. */
  get maxLifeMs(): number {
    return this.settings.FILE_LINK_HOURS * HOUR_MS;
  }

  /** A link to a file; it never outlives the file. Rejects while the database is away. */
  async sign(file: FileRecord, lifeMs = this.maxLifeMs): Promise<FileLink> {
    const end = Math.min(Date.now() + Math.min(lifeMs, this.maxLifeMs), file.expiresAt.getTime());
    const expires = String(Math.floor(end / 1_000));
    const signature = signatureOf(await this.key(), file, expires);
    return { expires, signature, expiresAt: new Date(Number(expires) * 1_000) };
  }

  /** The file that a link leads to; undefined for one that was never made here, and for a file that is gone. */
  async follow(
    id: string,
    { expires, signature }: FileLinkProof,
  ): Promise<FileRecord | 'expired' | undefined> {
    const file = await this.files.findForLink(id);
    if (file === undefined) return undefined;
    const expected = Buffer.from(signatureOf(await this.key(), file, expires));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    // Only whoever holds a link that was once right is told that it is over.
    return Number(expires) * 1_000 <= Date.now() ? 'expired' : file;
  }

  private async key(): Promise<Buffer> {
    const { FILE_LINK_SECRET } = this.settings;
    if (FILE_LINK_SECRET !== undefined) return derivedKey(FILE_LINK_SECRET, 'holdfast file link');
    return this.keys.keyFor('holdfast file link by session secret');
  }
}

/** JSON, so that no two lists of parts are one text. */
function signatureOf(
  key: Buffer,
  { tenant, id }: Pick<FileRecord, 'tenant' | 'id'>,
  expires: string,
): string {
  const signed = JSON.stringify(['file download', tenant, id, expires]);
  return createHmac('sha256', key).update(signed).digest('base64url');
}
