/** One element of a feed as a tree; the names are `<vocabulary>:<local name>`, such as `dc:creator`, in lower case. */
export interface XmlElement {
  readonly name: string;
  /** As written, for elements that are quoted as HTML. */
  readonly localName: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: (XmlElement | string)[];
}

/** The text of an element and of all in it. */
export function textOf(element: XmlElement): string {
  const { children } = element;
  if (children.length === 0) return '';
  if (children.length === 1 && typeof children[0] === 'string') return children[0];
  return children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');
}

export function childElements(element: XmlElement): XmlElement[] {
  return element.children.filter((child) => typeof child !== 'string');
}

export function childNamed(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => typeof child !== 'string' && child.name === name) as
    XmlElement | undefined;
}

/** What is in the element, as HTML: markup that a feed carries as elements of its own instead of as text. */
export function innerHtml(element: XmlElement): string {
  return element.children
    .map((child) => (typeof child === 'string' ? escaped(child) : outerHtml(child)))
    .join('');
}

function outerHtml(element: XmlElement): string {
  const name = element.localName;
  const attributes = Object.entries(element.attributes)
    .filter(([key]) => !key.startsWith('xmlns'))
    .map(([key, value]) => ` ${key}="${escaped(value).replaceAll('"', '&quot;')}"`)
    .join('');
  if (element.children.length === 0 && voidElements.has(name.toLowerCase())) return `<${name}${attributes}>`;
  return `<${name}${attributes}>${innerHtml(element)}</${name}>`;
}

function escaped(text: string): string {
  return /[&<>]/.test(text)
    ? text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
    : text;
}

// HTML Living Standard, 13.1.2.
const voidElements = new Set('area base br col embed hr img input link meta source track wbr'.split(' '));
