const MAX_CHARACTERS = 2_048;

/** An absolute http(s) address without a password, or undefined; relative ones start at `base`. */
export function webAddress(text: string, base: string | undefined): string | undefined {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > MAX_CHARACTERS) return undefined;
  const url = urlOf(trimmed, base);
  if (url === undefined) return undefined;
  const isWeb = (url.protocol === 'https:' || url.protocol === 'http:') && url.hostname !== '';
  return isWeb && url.password === '' && url.href.length <= MAX_CHARACTERS ? url.href : undefined;
}

// Asking whether it can be parsed first would parse each address twice.
function urlOf(text: string, base: string | undefined): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** `base`, itself perhaps relative to where the document came from. */
export function baseAddress(base: string | undefined, documentUrl: string | undefined): string | undefined {
  return base === undefined ? documentUrl : (webAddress(base, documentUrl) ?? documentUrl);
}
