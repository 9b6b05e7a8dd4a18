/** The process that did the work is gone: it crashed, was ended from outside, or never began. */
export class SandboxCrashedError extends Error {
  constructor(how: string) {
    super(`The process that did the work ended: ${how}.`);
    this.name = 'SandboxCrashedError';
  }
}

/** The work needed more memory than it may have; its process was ended. */
export class SandboxMemoryError extends Error {
  constructor(maxBytes: number) {
    super(
      `The work needed more than the ${Math.round(maxBytes / 1_048_576)} MiB of memory that it may have.`,
    );
    this.name = 'SandboxMemoryError';
  }
}

/** What the work itself said about its input: no further attempt can help. */
export class SandboxRefusalError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SandboxRefusalError';
  }
}
