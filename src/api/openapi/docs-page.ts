import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What the page at `/docs` loads: the files of Swagger UI by their names, and no other. */
export const swaggerFiles: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

/** Where a file of {@link swaggerFiles} lies; Swagger UI comes with @nestjs/swagger. */
export function swaggerFilePath(name: string): string {
  const fromNestSwagger = createRequire(require.resolve('@nestjs/swagger'));
  return join(dirname(fromNestSwagger.resolve('swagger-ui-dist/package.json')), name);
}

/** Swagger UI sets styles on its elements while it draws; scripts still come from files of ours only. */
export const docsPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast: API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript><p>This page needs JavaScript. The same description as text: <a href="openapi.json">openapi.json</a></p></noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

// Without validatorUrl the page would send the document's address to a foreign host.
export const docsScript = `window.ui = SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
});
`;
