import { createHash } from 'node:crypto';
import type { CatalogueEntry } from '../../platform/problems/catalogue-entry';

const style = `
:root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif; }
body { max-width: 42rem; margin: 0 auto; padding: 1.5rem 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
dt { font-weight: 600; }
dd { margin: 0 0 .75rem; }
li { margin-bottom: .35rem; }
`;

/** The pages load nothing at all, and only this very style applies. */
export const problemPagePolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

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

function page(title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} · Holdfast</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${main}
</main>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
