import type { Multipart, MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { isDiskFull } from '../../platform/storage/storage-full.error';
import { FileTooLargeError } from '../../platform/storage/durable-file-writer';
import { Problem } from '../../platform/problems/problem';
import { problem } from '../../platform/problems/problem-catalogue';
import { displayName } from './file-name';
import { fieldProblem } from './field-problem';

const MAX_FIELD_BYTES = 1024 * 1024;
const MAX_PARTS = 10;

/** The fields of the form as they were sent; an empty one counts as not given. */
export interface UploadForm {
  readonly fileName: string;
  readonly fileBytes: number;
  readonly ruleSet?: unknown;
  readonly previousValidationId?: string;
}

export interface UploadSink {
  /** Takes the file; rejects when it cannot be kept. */
  store(file: MultipartFile['file']): Promise<{ bytes: number }>;
  /** Looks at a field as soon as it is there, so that a bad one is refused before the file is read. */
  check(field: 'ruleSet' | 'previousValidationId', text: string): Promise<unknown>;
}

interface Draft {
  fileName?: string;
  fileBytes?: number;
  ruleSet?: unknown;
  previousValidationId?: string;
}

/** Reads the form part by part, in whatever order they come. Throws problems only. */
export async function readUploadForm(request: FastifyRequest, sink: UploadSink): Promise<UploadForm> {
  const draft: Draft = {};
  const seen = new Set<string>();
  try {
    const limits = { fieldSize: MAX_FIELD_BYTES, fieldNameSize: 100, parts: MAX_PARTS, fileSize: Infinity };
    for await (const part of request.parts({ limits, isPartAFile })) {
      refuseRepeated(part, seen);
      await readPart(part, draft, sink);
    }
  } catch (error) {
    throw problemOfForm(error);
  }
  const { fileName, fileBytes } = draft;
  if (fileName === undefined || fileBytes === undefined) throw fieldProblem('file', 'is missing', 'required');
  if (fileBytes === 0) throw fieldProblem('file', 'is empty: it has no header and no rows', 'file_empty');
  return { ...draft, fileName, fileBytes };
}

/** JSON comes as a file, so that the multipart library does not parse it past the limits of ours. */
function isPartAFile(_field?: string, type?: string, name?: string): boolean {
  return (
    name !== undefined || type === 'application/octet-stream' || type?.startsWith('application/json') === true
  );
}

async function readPart(part: Multipart, draft: Draft, sink: UploadSink): Promise<void> {
  switch (part.fieldname) {
    case 'file': {
      if (part.type !== 'file')
        throw fieldProblem('file', 'must be a file with a name, not a text', 'isFile');
      const { bytes } = await sink.store(part.file);
      draft.fileName = displayName(part.filename);
      draft.fileBytes = bytes;
      return;
    }
    case 'ruleSet': {
      const text = await textOf(part);
      if (text !== '') draft.ruleSet = await sink.check('ruleSet', text);
      return;
    }
    case 'previousValidationId': {
      const text = await textOf(part);
      if (text !== '')
        draft.previousValidationId = (await sink.check('previousValidationId', text)) as string;
      return;
    }
    default:
      throw unknownField(part.fieldname);
  }
}

function refuseRepeated({ fieldname }: Multipart, seen: Set<string>): void {
  if (seen.has(fieldname)) throw fieldProblem(fieldname, 'may be sent only once', 'repeated');
  seen.add(fieldname);
}

/** A field's text, trimmed; a rule set may come as an attached file as well. */
async function textOf(part: Multipart): Promise<string> {
  if (part.type === 'file') return (await smallFile(part)).trim();
  const { value, valueTruncated } = part;
  if (valueTruncated) throw tooLong(part.fieldname);
  return String(value).trim();
}

async function smallFile({ file, fieldname }: MultipartFile): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of file as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_FIELD_BYTES) throw tooLong(fieldname);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLong(field: string): Problem {
  return fieldProblem(field, `has more than ${MAX_FIELD_BYTES} bytes`, 'maxLength');
}

function unknownField(name: string | undefined): Problem {
  if (name === undefined)
    return problem('upload_field_unknown', { detail: 'A part of the form has no name.' });
  const shown = name.slice(0, 100);
  return problem('upload_field_unknown', {
    errors: [{ pointer: `#/${pointerPart(shown)}`, detail: 'does not exist', code: 'unknown_field' }],
  });
}

function pointerPart(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** What went wrong while the form was read, as its sender should hear it. */
function problemOfForm(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Problem) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (error instanceof FileTooLargeError) {
    const detail = `The file has more than ${error.maxBytes} bytes; split it, or raise VALIDATION_MAX_BYTES.`;
    return problem('file_too_large', { detail }, error);
  }
  if (isDiskFull(error)) return problem('disk_full', {}, error);
  if (code === 'FST_MP_PREMATURE_CLOSE' || code === 'ECONNRESET')
    return problem('request_aborted', {}, error);
  if (code === 'FST_PROTO_VIOLATION') return problem('upload_field_unknown', {}, error);
  if (code === 'FST_PARTS_LIMIT') {
    return problem('upload_field_unknown', { detail: `The form has more than ${MAX_PARTS} parts.` }, error);
  }
  // The search for a boundary of more than 256 characters is refused as a needle that is too long.
  const isOfParser = /multipart|boundary|part terminated|header|needle/i.test(error.message) && code === '';
  return isOfParser ? problem('upload_malformed', {}, error) : error;
}
