import { Injectable } from '@nestjs/common';
import { HopelessJobError } from '../../platform/queue/job-outcome';
import type { HeaderValue } from './feeds.tables';

/**
 * Headers of sources. A secret never stands in a table or an answer: a header names it, the environment holds it, as
 * `FEED_SECRET_<NAME>` for the tenant default and as `FEED_SECRET_<TENANT>__<NAME>` for others.
 */
@Injectable()
export class SourceHeaders {
  /** The names of secrets among these headers that this process does not have. */
  missing(headers: Readonly<Record<string, HeaderValue>>, tenant: string): string[] {
    return Object.values(headers).flatMap((value) =>
      typeof value === 'string' || secretOf(value.secret, tenant) !== undefined
        ? []
        : [variableOf(value.secret, tenant)],
    );
  }

  /** Throws HopelessJobError for a secret that this process does not have. */
  resolve(headers: Readonly<Record<string, HeaderValue>>, tenant: string): Record<string, string> {
    const [missing] = this.missing(headers, tenant);
    if (missing !== undefined) {
      throw new HopelessJobError(`The secret ${missing} of a header is not set in this process.`);
    }
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : secretOf(value.secret, tenant)!,
      ]),
    );
  }
}

function secretOf(name: string, tenant: string): string | undefined {
  return process.env[variableOf(name, tenant)] || undefined;
}

// The names of secrets have no two underscores in a row, so that no tenant can name another's.
function variableOf(name: string, tenant: string): string {
  const owner = tenant === 'default' ? '' : `${tenant.toUpperCase().replaceAll('-', '_')}__`;
  return `FEED_SECRET_${owner}${name}`;
}
