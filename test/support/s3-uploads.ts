// Small, so that every list has pages.
const MAX_PAGE = 2;

interface Begun {
  readonly id: string;
  readonly key: string;
  begunAt: number;
}

/** Multipart uploads that were begun and neither completed nor given up. */
export class S3Uploads {
  private readonly begun = new Map<string, Begun>();

  /** Their keys. */
  *[Symbol.iterator](): Generator<string> {
    for (const { key } of this.begun.values()) yield key;
  }

  begin(id: string, key: string): void {
    this.begun.set(id, { id, key, begunAt: Date.now() });
  }

  has(id: string): boolean {
    return this.begun.has(id);
  }

  end(id: string): void {
    this.begun.delete(id);
  }

  /** Those of now were begun so much earlier. */
  age(ms: number): void {
    for (const upload of this.begun.values()) upload.begunAt -= ms;
  }

  /** ListMultipartUploads, as AWS describes it, without delimiters. */
  list(query: URLSearchParams): string {
    const asked = (name: string) => query.get(name) ?? '';
    const after = `${asked('key-marker')}\0${asked('upload-id-marker')}`;
    const placeOf = ({ key, id }: Begun) => `${key}\0${id}`;
    const all = [...this.begun.values()]
      .filter((upload) => upload.key.startsWith(asked('prefix')) && placeOf(upload) > after)
      .toSorted((one, other) => (placeOf(one) < placeOf(other) ? -1 : 1));
    const page = all.slice(0, MAX_PAGE);
    const last = page.at(-1);
    const isTruncated = all.length > page.length;
    const next =
      isTruncated && last !== undefined
        ? `<NextKeyMarker>${last.key}</NextKeyMarker><NextUploadIdMarker>${last.id}</NextUploadIdMarker>`
        : '';
    const uploads = page.map(
      ({ id, key, begunAt }) =>
        `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${new Date(begunAt).toISOString()}</Initiated></Upload>`,
    );
    return `<?xml version="1.0" encoding="UTF-8"?><ListMultipartUploadsResult>${uploads.join('')}<IsTruncated>${isTruncated}</IsTruncated>${next}</ListMultipartUploadsResult>`;
  }
}
