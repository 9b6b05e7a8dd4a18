import type { FastifyRequest } from 'fastify';
import { problem } from '../../platform/problems/problem-catalogue';

const MAX_FIELD_BYTES = 1_000;
const MAX_FIELDS = 3;

/** The texts of a form that holds no file. Throws 400 and 415 problems. */
export async function loginForm(request: FastifyRequest): Promise<Readonly<Record<string, string>>> {
  if (!request.isMultipart()) throw problem('unsupported_media_type');
  const fields: Record<string, string> = {};
  try {
    const limits = { fields: MAX_FIELDS, parts: MAX_FIELDS, files: 0, fieldSize: MAX_FIELD_BYTES };
    for await (const part of request.parts({ limits })) {
      if (part.type === 'field' && typeof part.value === 'string') fields[part.fieldname] = part.value;
    }
  } catch (error) {
    throw problem('bad_request', { detail: 'The form cannot be read.' }, error);
  }
  return fields;
}
