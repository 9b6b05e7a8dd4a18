import { checkedZip, ZipRefusedError } from '../../../integrations/archives/zip-contents';
import { compressFile } from '../../../integrations/archives/compress-file';
import {
  DocumentRefusedError,
  docxText,
  htmlDocumentText,
  pdfText,
  plainText,
} from '../../../integrations/documents/document-text';
import { ImageRefusedError, imageFormatOf, writeImage } from '../../../integrations/images/image-work';
import { SandboxRefusalError } from '../../../platform/sandbox/sandbox-error';
import { openPlainFile, UnsafeFileError } from '../../../platform/storage/plain-file';
import { writeFile, type FileHandle } from 'node:fs/promises';
import type { FileOperation, FileOptions } from './file-process.payload';

export interface FileWorkInput {
  readonly operation: FileOperation;
  readonly options: FileOptions;
  /** Where the bytes lie, and what their uploader has said of them. */
  readonly path: string;
  readonly name: string;
  readonly contentType: string;
  /** Where the result goes; nothing lies there yet. */
  readonly output: string;
}

export interface FileWorkOutput {
  readonly contentType: string;
  /** What the name of the result ends with. */
  readonly extension: string;
  readonly width?: number;
  readonly height?: number;
  readonly characters?: number;
  /** Whether the text was longer than what was kept. */
  readonly isCut?: boolean;
}

type Progress = (percent: number) => void;

// What is worked on in memory; compressing needs none and takes any size.
const MAX_IMAGE_BYTES = 67_108_864;
const MAX_DOCUMENT_BYTES = 104_857_600;
const DEFAULT_TEXT_CHARACTERS = 10_000_000;
const DOCX_LIMITS = { maxEntries: 2_000, maxBytes: 209_715_200, maxRatio: 200 };
const extensions: Readonly<Record<string, string>> = { jpeg: 'jpg', heif: 'avif' };

/** Does one operation on one file, in the process that is there for it. Throws SandboxRefusalError where nothing helps. */
export async function workFile(input: FileWorkInput, progress: Progress): Promise<FileWorkOutput> {
  try {
    return await withFile(input.path, (handle, bytes) => operate(input, handle, bytes, progress));
  } catch (error) {
    const isRefusal =
      error instanceof ImageRefusedError ||
      error instanceof DocumentRefusedError ||
      error instanceof ZipRefusedError ||
      error instanceof UnsafeFileError;
    throw isRefusal ? new SandboxRefusalError(error.message) : error;
  }
}

async function operate(
  { operation, options, name, contentType, output }: FileWorkInput,
  handle: FileHandle,
  bytes: number,
  progress: Progress,
): Promise<FileWorkOutput> {
  if (operation === 'compress') {
    const { algorithm = 'gzip', level = 6 } = options;
    await compressFile(handle, output, { algorithm, level, name, bytes }, progress);
    return algorithm === 'gzip'
      ? { contentType: 'application/gzip', extension: 'gz' }
      : { contentType: 'application/zip', extension: 'zip' };
  }
  const isText = operation === 'extract_text';
  const limit = isText ? MAX_DOCUMENT_BYTES : MAX_IMAGE_BYTES;
  if (bytes > limit) {
    throw new SandboxRefusalError(
      `The file has ${bytes} bytes; for "${operation}" at most ${limit} are read.`,
    );
  }
  const content = await handle.readFile();
  if (isText) return extract(content, { contentType, name, output, options }, progress);
  const { format, width, height } = await writeImage(content, output, options);
  const known = extensions[format] ?? format;
  return { contentType: `image/${known === 'jpg' ? 'jpeg' : known}`, extension: known, width, height };
}

async function extract(
  content: Buffer,
  { contentType, name, output, options }: Pick<FileWorkInput, 'contentType' | 'name' | 'output' | 'options'>,
  progress: Progress,
): Promise<FileWorkOutput> {
  const whole = await textOf(content, `${contentType} ${name.toLowerCase()}`, progress);
  const { maxCharacters = DEFAULT_TEXT_CHARACTERS } = options;
  const text = whole.slice(0, maxCharacters);
  await writeFile(output, text.toWellFormed(), { flag: 'wx', mode: 0o600 });
  return {
    contentType: 'text/plain; charset=utf-8',
    extension: 'txt',
    characters: text.length,
    isCut: text.length < whole.length,
  };
}

/** What a file is, its bytes say where they can; only a web page is told from a text by what its uploader said. */
async function textOf(content: Buffer, said: string, progress: Progress): Promise<string> {
  const beginning = content.toString('latin1', 0, 1_024);
  if (beginning.includes('%PDF-')) return pdfText(content, progress);
  if (beginning.startsWith('PK\x03\x04')) {
    const names = await checkedZip(content, DOCX_LIMITS);
    if (names.includes('word/document.xml')) return docxText(content);
    throw new DocumentRefusedError('The file is an archive, and no DOCX: there is no text to extract.');
  }
  if (imageFormatOf(content) !== undefined)
    throw new DocumentRefusedError('The file is an image: it holds no text.');
  const isPage = /html/.test(said) || /^\s*(?:<!doctype html|<html)/i.test(beginning);
  return isPage ? htmlDocumentText(content) : plainText(content);
}

async function withFile<T>(path: string, use: (handle: FileHandle, bytes: number) => Promise<T>): Promise<T> {
  const file = await openPlainFile(path);
  if (file === undefined) throw new SandboxRefusalError('The bytes of the file are gone.');
  try {
    return await use(file.handle, file.bytes);
  } finally {
    await file.handle.close();
  }
}
