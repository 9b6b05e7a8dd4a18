const MAX_CHARACTERS = 2_048;

/** An absolute http(s) address without a password, or undefined; relative ones start at `base`. */
export function webAddress(text: string, base: string | undefined): string | undefined {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > MAX_CHARACTERS) return undefined;
  if (!URL.canParse(trimmed, base)) return undefined;
  const url = new URL(trimmed, base);
  const isWeb = (url.protocol === 'https:' || url.protocol === 'http:') && url.hostname !== '';
  return isWeb && url.password === '' && url.href.length <= MAX_CHARACTERS ? url.href : undefined;
}

/** `base`, itself perhaps relative to where the document came from. */
export function baseAddress(base: string | undefined, documentUrl: string | undefined): string | undefined {
  return base === undefined ? documentUrl : (webAddress(base, documentUrl) ?? documentUrl);
}
