import { DocumentBreak } from './document-break';

// After these, what belongs to which item cannot be known; all other offences against XML are those of many feeds.
const fatal = [
  'unexpected close tag',
  'unmatched closing tag',
  'disallowed character in tag name',
  'disallowed character in attribute name',
  'disallowed character in closing tag',
  'forward-slash in opening tag',
  'incorrect syntax',
  'weird empty close tag',
  'processing instruction without a target',
];

/** Throws {@link DocumentBreak} for an offence against XML after which nobody can read on; the others are let pass. */
export function judgeOffence({ message }: Error): void {
  if (message.includes('document must contain a root element')) {
    throw new DocumentBreak('document_not_a_feed', 'The document has no element.');
  }
  if (/unclosed tag|unexpected end/.test(message)) {
    throw new DocumentBreak('document_truncated', `The document ends in the middle (${place(message)}).`);
  }
  if (fatal.some((words) => message.includes(words))) {
    throw new DocumentBreak('xml_malformed', `The document is no well-formed XML: ${cleanReason(message)}`);
  }
}

/** Throws {@link DocumentBreak} where the document is a web page, or declares entities. */
export function judgeDoctype(doctype: string): void {
  if (/^\s*html\b/i.test(doctype)) {
    throw new DocumentBreak('document_is_html', 'The document is a web page, not a feed.');
  }
  // Entities of a document's own may grow without end or name files; no feed needs them.
  if (/<!ENTITY/i.test(doctype)) {
    throw new DocumentBreak(
      'entities_declared',
      'The document declares entities of its own, which are refused.',
    );
  }
}

function place(message: string): string {
  return /^\d+:\d+/.exec(message)?.[0].replace(':', ', column ').replace(/^/, 'line ') ?? 'at its end';
}

/** saxes' words, which may quote the name of an element. */
function cleanReason(message: string): string {
  const [, words = message] = /^\d+:\d+: ([^:]*)/.exec(message) ?? [];
  return `${words.replace(/\.$/, '')} (${place(message)}).`;
}
