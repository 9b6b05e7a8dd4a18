import { createHash } from 'node:crypto';
import { pipeline, Transform, type Readable } from 'node:stream';
import { fingerprintOf } from '../queue/canonical-json';
import type { BodyReader } from '../idempotency/streamed-body';
import { readUploadForm } from './upload-form';

/** What stands for an upload: its fields and the bytes of its file, in whatever order and boundary they come. */
export class FormFingerprint {
  private readonly parts = new Map<string, string>();

  field(name: string, text: string): void {
    this.parts.set(name, `${name}=${text}`);
  }

  /** The same bytes, counted in as whoever takes them reads them. */
  file(name: string, bytes: Readable): Readable {
    const hash = createHash('sha256');
    const hashing = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        hash.update(chunk);
        done(null, chunk);
      },
      flush: (done) => {
        this.parts.set(name, `${name}:${hash.digest('base64url')}`);
        done();
      },
    });
    // Its failure reaches whoever reads the bytes.
    return pipeline(bytes, hashing, () => undefined);
  }

  toString(): string {
    return fingerprintOf(...[...this.parts.keys()].sort().map((name) => this.parts.get(name)!));
  }
}

/** Reads the form of an upload to its end without keeping anything of it. */
export function readFormFingerprint(fields: readonly string[], limitedBy: string): BodyReader {
  return async (request) => {
    const fingerprint = new FormFingerprint();
    let bytes = 0;
    await readUploadForm(request, {
      fields,
      limitedBy,
      store: async (file) => {
        for await (const chunk of fingerprint.file('file', file) as AsyncIterable<Buffer>)
          bytes += chunk.length;
        return { bytes };
      },
      check: (field, text) => {
        fingerprint.field(field, text);
        return Promise.resolve(text);
      },
    });
    return fingerprint.toString();
  };
}
