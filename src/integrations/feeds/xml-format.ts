import type { SaxesTagNS } from 'saxes';
import type { FeedFormat } from './feed-event';

/** The format that the root element stands for; undefined where it is none of a feed. */
export function xmlFormatOf(
  name: string,
  { uri }: SaxesTagNS,
  attributes: Record<string, string>,
): FeedFormat | undefined {
  if (name === 'atom:feed') return uri.includes('2005') ? 'atom-1.0' : 'atom-0.3';
  if (name === 'rdf:rdf') return 'rss-1.0';
  if (name !== 'rss:rss') return undefined;
  const { version = '2.0' } = attributes;
  if (version.startsWith('0.90')) return 'rss-0.90';
  if (version.startsWith('0.91')) return 'rss-0.91';
  return version.startsWith('0.9') ? 'rss-0.92' : 'rss-2.0';
}
