import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { parse as parseLinks } from 'http-link-header';
import type { FeedPagingDto } from './feed-paging.dto';
import { FeedUnavailableError } from './feed-unavailable.error';
import { webAddress } from './web-address';

/** What a page was, once it is read to its end. */
export interface ReadPage {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** What the document says of how it goes on. */
  readonly next: string | null;
  /** Of its items, in order. */
  readonly fingerprints: readonly string[];
}

const MAX_CURSOR_CHARACTERS = 2_000;

/** Which page comes after which, none of them twice, and from which hosts. */
export class FeedPages {
  private readonly hosts: Set<string>;
  private readonly opened: Set<string>;
  private number: number;
  private digest = '';

  /** `firstUrl` is where the first page came from, after all redirects. */
  constructor(
    private readonly sourceUrl: string,
    firstUrl: string,
    private readonly paging: FeedPagingDto,
  ) {
    this.hosts = new Set([hostOf(sourceUrl), hostOf(firstUrl), ...(paging.otherHosts ?? [])]);
    this.opened = new Set([sourceUrl, firstUrl]);
    this.number = paging.firstPage ?? 1;
  }

  /** The next page's address, if there is one. Throws {@link FeedUnavailableError} for one that may not be asked. */
  after(page: ReadPage): string | undefined {
    const next = this.named(page);
    if (next === undefined || this.opened.has(next)) return undefined;
    this.opened.add(next);
    this.assertAllowed(next, page.url);
    return next;
  }

  /** Throws {@link FeedUnavailableError} unless pages may come from there. */
  assertAllowed(url: string, from: string): void {
    const host = hostOf(url);
    if (!this.hosts.has(host)) {
      throw refused(`The next page lies at ${host}, which is not the source's host nor one of otherHosts.`);
    }
    if (from.startsWith('https:') && !url.startsWith('https:')) {
      throw refused('The next page lies at http although this one came by https.');
    }
  }

  private named(page: ReadPage): string | undefined {
    const { by, parameter = '' } = this.paging;
    switch (by) {
      case 'link-header':
        return webAddress(linkedNext(page.headers.link), page.url);
      case 'document':
      case 'next-url':
        return webAddress(page.next ?? '', page.url);
      case 'cursor': {
        const cursor = page.next ?? '';
        if (cursor === '' || cursor.length > MAX_CURSOR_CHARACTERS) return undefined;
        return withParameter(this.sourceUrl, parameter, cursor);
      }
      default:
        return this.isNew(page) ? withParameter(this.sourceUrl, parameter, String(++this.number)) : undefined;
    }
  }

  /** Whether the page has items that are not those of the page before: some servers repeat their last page for ever. */
  private isNew({ fingerprints }: ReadPage): boolean {
    const hash = createHash('sha256');
    for (const fingerprint of fingerprints) hash.update(fingerprint);
    const before = this.digest;
    this.digest = hash.digest('hex');
    return fingerprints.length > 0 && this.digest !== before;
  }
}

function linkedNext(header: string | string[] | undefined): string {
  try {
    return parseLinks([header ?? ''].flat().join(', ')).rel('next')[0]?.uri ?? '';
  } catch {
    return '';
  }
}

function withParameter(address: string, name: string, value: string): string {
  const url = new URL(address);
  url.searchParams.set(name, value);
  return url.href;
}

function hostOf(url: string): string {
  return new URL(url).host;
}

function refused(message: string): FeedUnavailableError {
  return new FeedUnavailableError('paging_refused', message, false);
}
