import type { FieldError } from '../queue/job-payload';

export interface ProblemOptions {
  readonly status: number;
  /** Stable and lower_snake; also names the page that explains it. */
  readonly code: string;
  readonly title: string;
  /** What is wrong with this request and what to do; never a value of a payload. */
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the answer, such as document 001's `error`. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** An answer of RFC 9457, thrown from anywhere below a controller. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(options: ProblemOptions, cause?: unknown) {
    super(options.detail ?? options.title, cause === undefined ? undefined : { cause });
    this.name = 'Problem';
    this.status = options.status;
    this.code = options.code;
    this.title = options.title;
    if (options.detail !== undefined) this.detail = options.detail;
    if (options.errors !== undefined) this.errors = options.errors;
    this.headers = options.headers ?? {};
    this.members = options.members ?? {};
  }
}
