/** The store of files does not answer, or refuses; another attempt may succeed. */
export class StorageAwayError extends Error {
  constructor(
    readonly bucket: string,
    readonly reason: string,
  ) {
    super(`The file storage s3://${bucket} cannot be used (${reason}).`);
    this.name = 'StorageAwayError';
  }
}
