import type { Multipart, MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../problems/problem';
import { problem } from '../problems/problem-catalogue';
import { FileTooLargeError } from '../storage/durable-file-writer';
import { isDiskFull } from '../storage/storage-full.error';
import { fieldProblem } from './field-problem';
import { displayName } from './file-name';

const MAX_FIELD_BYTES = 1024 * 1024;
const MAX_PARTS = 10;
// What a form may add to its file: boundaries, headers and the other fields.
const FORM_OVERHEAD_BYTES = 2 * 1024 * 1024;

/** One file with some texts beside it; a text that was not sent, or is empty, is missing. */
export interface UploadForm<Field extends string = string> {
  readonly fileName: string;
  readonly fileBytes: number;
  readonly fields: { readonly [Name in Field]?: unknown };
}

/** What a form may hold beside its file, and who takes it. */
export interface UploadSink<Field extends string = string> {
  readonly fields: readonly Field[];
  /** The setting that limits the file, for whoever wants to raise it. */
  readonly limitedBy: string;
  /** Takes the file, whose type is what the caller declares; rejects when it cannot be kept. */
  store(
    file: MultipartFile['file'],
    as: { readonly name: string; readonly type: string },
  ): Promise<{ readonly bytes: number }>;
  /** Looks at a field as soon as it is there, so that a bad one is refused before the file is read. */
  check?(field: Field, text: string): Promise<unknown>;
}

/** Refuses what is no form, or announces too many bytes, before the body is read. */
export function refuseUploadEarly(request: FastifyRequest, maxBytes: number, limitedBy: string): number {
  if (!request.isMultipart()) throw notAForm();
  // The parts of a compressed form would be taken for nonsense, or nonsense for its parts.
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity')
    throw problem('unsupported_media_type');
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes + FORM_OVERHEAD_BYTES) throw fileTooLarge(maxBytes, limitedBy);
  return announced;
}

/** Reads the form part by part, in whatever order they come. Throws problems only. */
export async function readUploadForm<Field extends string>(
  request: FastifyRequest,
  sink: UploadSink<Field>,
): Promise<UploadForm<Field>> {
  if (!request.isMultipart()) throw notAForm();
  const fields: { [Name in Field]?: unknown } = {};
  let file: { fileName: string; fileBytes: number } | undefined;
  const seen = new Set<string>();
  try {
    const limits = { fieldSize: MAX_FIELD_BYTES, fieldNameSize: 100, parts: MAX_PARTS, fileSize: Infinity };
    for await (const part of request.parts({ limits, isPartAFile })) {
      refuseRepeated(part, seen);
      if (part.fieldname === 'file') file = await takeFile(part, sink);
      else await takeField(part, fields, sink);
    }
  } catch (error) {
    throw problemOfForm(error, sink);
  }
  if (file === undefined) throw fieldProblem('file', 'is missing', 'required');
  if (file.fileBytes === 0) throw fieldProblem('file', 'is empty', 'file_empty');
  return { ...file, fields };
}

/** JSON comes as a file, so that the multipart library does not parse it past the limits of ours. */
function isPartAFile(_field?: string, type?: string, name?: string): boolean {
  return (
    name !== undefined || type === 'application/octet-stream' || type?.startsWith('application/json') === true
  );
}

async function takeFile<Field extends string>(part: Multipart, sink: UploadSink<Field>) {
  if (part.type !== 'file') throw fieldProblem('file', 'must be a file with a name, not a text', 'isFile');
  const name = displayName(part.filename);
  const { bytes } = await sink.store(part.file, { name, type: part.mimetype });
  return { fileName: name, fileBytes: bytes };
}

async function takeField<Field extends string>(
  part: Multipart,
  fields: { [Name in Field]?: unknown },
  sink: UploadSink<Field>,
): Promise<void> {
  const field = sink.fields.find((name) => name === part.fieldname);
  if (field === undefined) throw unknownField(part.fieldname, sink);
  const text = await textOf(part);
  if (text !== '') fields[field] = (await sink.check?.(field, text)) ?? text;
}

function refuseRepeated({ fieldname }: Multipart, seen: Set<string>): void {
  if (seen.has(fieldname)) throw fieldProblem(fieldname, 'may be sent only once', 'repeated');
  seen.add(fieldname);
}

/** A field's text, trimmed; it may come as an attached file as well. */
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

function unknownField(name: string | undefined, { fields }: UploadSink): Problem {
  const known = `The fields are ${['file', ...fields].map((field) => `"${field}"`).join(', ')}.`;
  if (name === undefined)
    return problem('upload_field_unknown', { detail: `A part of the form has no name. ${known}` });
  const shown = name.slice(0, 100);
  return problem('upload_field_unknown', {
    detail: known,
    errors: [{ pointer: `#/${pointerPart(shown)}`, detail: 'does not exist', code: 'unknown_field' }],
  });
}

function pointerPart(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function notAForm(): Problem {
  return problem('upload_type_unsupported', { headers: { 'accept-post': 'multipart/form-data' } });
}

function fileTooLarge(maxBytes: number, limitedBy: string, cause?: unknown): Problem {
  const detail = `A file may have ${maxBytes} bytes; split it, or raise ${limitedBy}.`;
  return problem('file_too_large', { detail }, cause);
}

/** What went wrong while the form was read, as its sender should hear it. */
function problemOfForm(error: unknown, { limitedBy }: UploadSink): unknown {
  if (!(error instanceof Error) || error instanceof Problem) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (error instanceof FileTooLargeError) return fileTooLarge(error.maxBytes, limitedBy, error);
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
