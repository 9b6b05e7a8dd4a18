import { Injectable } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import { createHash } from 'node:crypto';

/** The OpenAPI document of the running server, made when it is first asked for. */
@Injectable()
export class OpenApiDocument {
  private build?: () => OpenAPIObject;
  private made?: { readonly text: string; readonly etag: string };

  /** Says how the document is made; only the finished application knows all its routes. */
  makeWith(build: () => OpenAPIObject): void {
    this.build = build;
  }

  get(): { readonly text: string; readonly etag: string } {
    return (this.made ??= this.make());
  }

  private make(): { readonly text: string; readonly etag: string } {
    if (this.build === undefined) {
      throw new Error('The OpenAPI document has no source: call setUpOpenApi when the application is made.');
    }
    const text = JSON.stringify(this.build());
    return { text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` };
  }
}
