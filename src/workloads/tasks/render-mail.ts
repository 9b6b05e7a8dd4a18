import type { Liquid, Template } from 'liquidjs';
import type { MailTemplate, MailVariables } from './mail-template';

export interface RenderedMail {
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

const MAX_SUBJECT_CHARACTERS = 300;

// Lines of at most 76 characters go over the wire as they are; longer ones have to be encoded.
const style = `
body { margin: 0; padding: 24px; background: #f4f5f7; color: #1b1f24;
  font: 16px/1.5 system-ui, sans-serif; }
main { display: block; max-width: 560px; margin: 0 auto; padding: 24px;
  background: #ffffff; border-radius: 8px; }
h1 { margin: 0 0 16px; font-size: 22px; line-height: 1.25; }
p { margin: 0 0 16px; }
a { color: #0b57d0; }
`;

let engine: Promise<Liquid> | undefined;
let plainText: Promise<(html: string) => string> | undefined;
// Templates are code: each is parsed once.
const parsed = new WeakMap<MailTemplate, Template[]>();

// Templates are ours, variables are bounded: the limits stop what a template of an application does by mistake.
async function newEngine(): Promise<Liquid> {
  const { Liquid: Engine } = await import('liquidjs');
  return new Engine({
    outputEscape: 'escape',
    strictFilters: true,
    parseLimit: 200_000,
    renderLimit: 500,
    memoryLimit: 10_000_000,
    ownPropertyOnly: true,
    // No template reads another file.
    relativeReference: false,
    templates: {},
  });
}

async function newPlainText(): Promise<(html: string) => string> {
  const { compile } = await import('html-to-text');
  return compile({
    wordwrap: 78,
    selectors: [
      { selector: 'h1', options: { uppercase: false } },
      { selector: 'a', options: { hideLinkHrefIfSameAsText: true } },
    ],
  });
}

function parsedBy(liquid: Liquid, template: MailTemplate): Template[] {
  const known = parsed.get(template) ?? liquid.parse(template.body);
  parsed.set(template, known);
  return known;
}

/** A mail of a template and its variables, with a subject of the sender's where there is one; the text is made of the HTML. */
export async function renderMail(
  template: MailTemplate,
  variables: MailVariables,
  ownSubject?: string,
): Promise<RenderedMail> {
  const [textOf, liquid] = await Promise.all([(plainText ??= newPlainText()), (engine ??= newEngine())]);
  // Nothing in a template waits for anything, and steps of promises take longer than the text.
  const middle = String(liquid.renderSync(parsedBy(liquid, template), variables));
  const title = ownSubject ?? plainSubject(template.subject, variables);
  return {
    subject: title.slice(0, MAX_SUBJECT_CHARACTERS),
    html: `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<style>${style}</style></head>
<body><main>
${middle}
</main></body></html>
`,
    text: textOf(middle),
  };
}

/** A subject is no HTML: nothing is escaped in it, and nothing breaks its line. */
function plainSubject(subject: string, variables: MailVariables): string {
  return subject
    .replace(/\{\{ *(\w{1,50}) *\}\}/g, (_whole, name: string) => String(variables[name] ?? ''))
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}
