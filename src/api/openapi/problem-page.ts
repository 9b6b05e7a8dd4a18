import { escaped, page } from '../../platform/http/page';
import type { CatalogueEntry } from '../../platform/problems/catalogue-entry';

/** One kind of problem for a person to read. */
export function problemPage(code: string, entry: CatalogueEntry): string {
  const retry =
    entry.retryable === true ? 'Yes, the same request may succeed later.' : 'Not without a change.';
  return page(
    entry.title,
    `<dl>
<dt>What to do</dt><dd>${escaped(entry.advice)}</dd>
<dt>Worth repeating</dt><dd>${retry}</dd>
<dt>Status</dt><dd>${entry.status}</dd>
<dt>Code</dt><dd><code>${escaped(code)}</code></dd>
</dl>
<p><a href="/problems">All problems</a></p>`,
  );
}

/** All kinds of problems, each with a link to its page. */
export function problemListPage(
  entries: readonly (readonly [path: string, entry: CatalogueEntry])[],
): string {
  const items = entries.map(
    ([path, { status, title }]) => `<li>${status} <a href="${escaped(path)}">${escaped(title)}</a></li>`,
  );
  return page('Problems', `<ul>\n${items.join('\n')}\n</ul>`);
}
