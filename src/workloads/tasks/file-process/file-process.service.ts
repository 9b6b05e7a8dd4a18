import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Settings } from '../../../config/settings';
import { newFileId } from '../../../platform/files/file-id';
import { blobOf, Files } from '../../../platform/files/files.service';
import type { FileRecord } from '../../../platform/files/files.tables';
import { HopelessJobError } from '../../../platform/queue/job-outcome';
import { compiledFile } from '../../../platform/sandbox/compiled-file';
import { SandboxMemoryError, SandboxRefusalError } from '../../../platform/sandbox/sandbox-error';
import { SandboxPool } from '../../../platform/sandbox/sandbox-pool';
import { FileStorage } from '../../../platform/storage/file-storage.service';
import { FileTooLargeError } from '../../../platform/storage/durable-file-writer';
import type { FileProcessPayload } from './file-process.payload';
import type { FileWorkInput, FileWorkOutput } from './file-work';

// 100 megapixels take 400 MB once they are decoded, and libvips some more.
const LIMITS = { maxResidentBytes: 1_073_741_824, maxHeapMegabytes: 512 };
// What they do keeps a core busy; more would only need more memory.
const MAX_PROCESSES = Math.max(2, availableParallelism());
const MIN_REPORT_INTERVAL_MS = 200;
const MAX_NAME_CHARACTERS = 200;

export interface FileProcessJob {
  readonly id: string;
  readonly tenant: string;
  readonly caller: string;
  readonly reportProgress: (percent: number) => Promise<void>;
}

/** The file that was made, by reference. */
export interface ProcessedFile {
  readonly fileId: string;
  readonly name: string;
  readonly contentType: string;
  readonly bytes: number;
  readonly sha256: string;
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly links: { readonly self: string; readonly content: string };
  readonly width?: number;
  readonly height?: number;
  readonly characters?: number;
  readonly isCut?: boolean;
}

@Injectable()
export class FileProcessService implements OnApplicationShutdown {
  private readonly pool = new SandboxPool<FileWorkInput, FileWorkOutput>(
    compiledFile(__dirname, 'file-work.program.js'),
    LIMITS,
    MAX_PROCESSES,
  );
  private scratch: string | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly files: Files,
    private readonly storage: FileStorage,
  ) {}

  /**
   * Makes a new file of a stored one; a second start of the job makes the same file anew, under the same id.
   * Throws HopelessJobError for a file that is gone, and for one that cannot be worked on.
   */
  async process(
    payload: FileProcessPayload,
    job: FileProcessJob,
    signal: AbortSignal,
  ): Promise<ProcessedFile> {
    const source = await this.files.find(payload.filePath, job.tenant);
    if (source === undefined)
      throw new HopelessJobError(`There is no file ${payload.filePath}, or it has expired.`);
    const output = await this.scratchPath(job.id);
    try {
      const made = await this.work(payload, source, output, job, signal);
      signal.throwIfAborted();
      const record = await this.keep(source, made, output, job);
      const { contentType: _contentType, extension: _extension, ...facts } = made;
      return { ...viewOf(record), ...facts };
    } catch (error) {
      await rm(output, { force: true });
      // Somebody may have removed the folder.
      this.scratch = undefined;
      throw error;
    }
  }

  onApplicationShutdown(): void {
    this.pool.close();
  }

  private async work(
    { operation, options = {} }: FileProcessPayload,
    source: FileRecord,
    output: string,
    job: FileProcessJob,
    signal: AbortSignal,
  ): Promise<FileWorkOutput> {
    const copy = await this.storage.localCopy(blobOf(source));
    const { name, contentType } = source;
    try {
      const input = { operation, options: { ...options }, path: copy.path, name, contentType, output };
      return await this.pool.run(input, signal, paced(job.reportProgress));
    } catch (error) {
      const isFinal = error instanceof SandboxRefusalError || error instanceof SandboxMemoryError;
      throw isFinal ? new HopelessJobError(error.message) : error;
    } finally {
      await copy.release();
    }
  }

  private async keep(
    source: FileRecord,
    { contentType, extension }: FileWorkOutput,
    output: string,
    { id, tenant, caller }: FileProcessJob,
  ): Promise<FileRecord> {
    const file = {
      id: newFileId(`file-process/${id}`),
      tenant,
      name: madeName(source.name, extension),
      contentType,
      createdBy: caller,
      jobId: id,
    };
    try {
      return await this.files.adopt(file, output);
    } catch (error) {
      if (error instanceof FileTooLargeError) throw new HopelessJobError(error.message);
      throw error;
    }
  }

  /** What a crash leaves here, the cleaning of temporary files removes. */
  private async scratchPath(jobId: string): Promise<string> {
    this.scratch ??= await this.scratchFolder();
    return join(this.scratch, `${jobId}.${randomBytes(6).toString('hex')}`);
  }

  private async scratchFolder(): Promise<string> {
    const directory = join(this.settings.home, 'tmp', 'file-process');
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return directory;
  }
}

function madeName(name: string, extension: string): string {
  const isWrapped = extension === 'gz' || extension === 'zip';
  const stem = isWrapped ? name : name.replace(/\.[A-Za-z0-9]{1,8}$/, '');
  return `${stem.slice(0, MAX_NAME_CHARACTERS)}.${extension}`;
}

function viewOf({ id, name, contentType, bytes, sha256, expiresAt }: FileRecord) {
  const self = `/api/files/${id}`;
  return {
    fileId: id,
    name,
    contentType,
    bytes,
    sha256,
    expiresAt: expiresAt.toISOString(),
    links: { self, content: `${self}/content` },
  };
}

/** Reports at most five times a second, and never twice the same; a report that fails is not worth the file. */
function paced(report: FileProcessJob['reportProgress']): (percent: number) => void {
  let last = 0;
  let lastAt = 0;
  return (percent) => {
    const now = performance.now();
    if (percent <= last || now - lastAt < MIN_REPORT_INTERVAL_MS) return;
    [last, lastAt] = [percent, now];
    report(percent).catch(() => undefined);
  };
}
