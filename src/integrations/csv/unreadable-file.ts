export type UnreadableFileCode =
  | 'file_missing'
  | 'empty_file'
  | 'binary_file'
  | 'header_unrecognised'
  | 'too_many_columns'
  | 'too_many_rows'
  | 'record_too_long';

/** A clear answer about the file itself that no retry can change; the message says what to do. */
export class UnreadableFileError extends Error {
  override name = 'UnreadableFileError';

  constructor(
    readonly code: UnreadableFileCode,
    message: string,
  ) {
    super(message);
  }
}
