const MAX_CHARACTERS = 500;

/**
 * What is wrong with the address of a broker, as the end of a sentence. Only https is taken, and http to this very
 * machine; whether that may be reached at all is for OUTBOUND_ALLOW_ADDRESSES to say.
 */
export function faultOfBrokerUrl(text: string): string | undefined {
  const fault = faultOfStatementUrl(text);
  if (fault !== undefined) return fault;
  return new URL(text).search === '' ? undefined : 'must have no query';
}

/** The same for an address that a file is fetched from, which may have a query. */
export function faultOfStatementUrl(text: string): string | undefined {
  if (text.length > MAX_CHARACTERS || !URL.canParse(text)) {
    return `must be a URL of at most ${MAX_CHARACTERS} characters, such as https://broker.example`;
  }
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== '' || password !== '') return 'must hold no user and no password: they are credentials';
  if (hash !== '') return 'must have no fragment';
  if (protocol === 'https:' || (protocol === 'http:' && isThisMachine(hostname))) return undefined;
  return 'must begin with https://';
}

function isThisMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
