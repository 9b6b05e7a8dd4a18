import { createHash } from 'node:crypto';

const style = `
:root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif; }
:root { background: light-dark(#fff, #16181d); color: light-dark(#1b1f24, #e6e8eb); }
a { color: light-dark(#0b57d0, #8ab4f8); }
body { max-width: 42rem; margin: 0 auto; padding: 1.5rem 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
dt { font-weight: 600; }
dd { margin: 0 0 .75rem; }
li { margin-bottom: .35rem; }
label { display: block; font-weight: 600; }
input, button { font: inherit; padding: .5rem .75rem; box-sizing: border-box; }
input { width: 100%; margin: .35rem 0 1rem; }
[role=alert] { border-left: .25rem solid; padding-left: .75rem; }
`;

const styleHash = createHash('sha256').update(style).digest('base64');

/** A page loads nothing at all, only this very style applies, and forms go nowhere unless they may go to this server. */
export function pagePolicy(formAction: "'none'" | "'self'" = "'none'"): string {
  return `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action ${formAction}; frame-ancestors 'none'`;
}

/** A whole page of HTML; `title` is text, `main` is HTML already. */
export function page(title: string, main: string): string {
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

/** Text as it may stand in HTML, attributes included. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
