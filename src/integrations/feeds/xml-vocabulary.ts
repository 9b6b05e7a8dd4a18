// Without scheme, case and the sign at the end: feeds vary these, and mean the same.
const vocabularies: Readonly<Record<string, string>> = {
  '': 'rss',
  'my.netscape.com/rdf/simple/0.9': 'rss',
  'channel.netscape.com/rdf/simple/0.9': 'rss',
  'purl.org/rss/1.0': 'rss',
  'backend.userland.com/rss2': 'rss',
  'backend.userland.com/rss': 'rss',
  'blogs.law.harvard.edu/tech/rss': 'rss',
  'www.w3.org/2005/atom': 'atom',
  'purl.org/atom/ns': 'atom',
  'www.w3.org/1999/02/22-rdf-syntax-ns': 'rdf',
  'www.w3.org/1999/xhtml': 'xhtml',
  'purl.org/rss/1.0/modules/content': 'content',
  'purl.org/dc/elements/1.1': 'dc',
  'purl.org/dc/elements/1.0': 'dc',
  'purl.org/dc/terms': 'dcterms',
  'search.yahoo.com/mrss': 'media',
  'search.yahoo.com/mrss/rss': 'media',
  'video.search.yahoo.com/mrss': 'media',
  'www.itunes.com/dtds/podcast-1.0.dtd': 'itunes',
  'www.w3.org/xml/1998/namespace': 'xml',
};
// What a prefix means where its namespace was never declared.
for (const prefix of ['rss', 'atom', 'rdf', 'content', 'dc', 'dcterms', 'media', 'itunes']) {
  Object.assign(vocabularies, { [prefix]: prefix });
}

/** The short name of a namespace whose elements are read, else `other`. */
export function vocabularyOf(namespace: string): string {
  const key = namespace
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/[/#]$/, '');
  return Object.hasOwn(vocabularies, key) ? vocabularies[key]! : 'other';
}
