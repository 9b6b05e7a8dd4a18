import type { Problem } from '../problems/problem';
import { problem } from '../problems/problem-catalogue';

/** One wrong field of the form. */
export function fieldProblem(field: string, detail: string, code: string, cause?: unknown): Problem {
  return problem(
    'upload_invalid',
    { detail: `${field} ${detail}.`, errors: [{ pointer: `#/${field}`, detail, code }] },
    cause,
  );
}
