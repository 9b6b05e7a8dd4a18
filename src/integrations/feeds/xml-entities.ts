import { decodeHTMLStrict } from 'entities';

const named: Record<string, string> = { amp: '&', gt: '>', lt: '<', quot: '"', apos: "'" };

/** The five entities of XML and those that HTML names; nothing that a document declares. */
export const xmlEntities = new Proxy(named, {
  get: (known, name: string) => {
    const value = Object.hasOwn(known, name) ? known[name] : undefined;
    if (value !== undefined) return value;
    if (!/^[A-Za-z][A-Za-z0-9]{1,31}$/.test(name)) return undefined;
    const decoded = decodeHTMLStrict(`&${name};`);
    return decoded === `&${name};` ? undefined : decoded;
  },
});
