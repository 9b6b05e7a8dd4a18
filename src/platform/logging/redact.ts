import { secretsInContext } from './correlation';

const HIDDEN = '•••';

const places: readonly (readonly [RegExp, string])[] = [
  // The user and the password of an address.
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"'<>]{1,500}@/gi, `$1${HIDDEN}@`],
  [/\b(bearer|basic) +[A-Za-z0-9._~+/=-]{8,4000}/gi, `$1 ${HIDDEN}`],
  // Keys of our own, wherever they stand.
  [/\b(hf_[\w-]{12})\.[\w-]{43}/g, `$1.${HIDDEN}`],
  // password=…, "token":"…", Authorization: …
  [
    /\b((?:x-)?(?:pass(?:word|wd|phrase)|pwd|secret|token|api[_-]?key|access[_-]?key|access[_-]?token|client[_-]?secret|refresh[_-]?token|credentials?|authorization|cookie|signature)["']?(?:=|["']:|: *(?=["']))\s{0,3}["']?)[^\s"'&,;}<>]{1,4000}/gi,
    `$1${HIDDEN}`,
  ],
];

/** A text, of 40,000 characters at most, without what looks like a secret, and without the secrets of the job that is being worked. */
export function redacted(text: string): string {
  let clean = withoutOpenSecrets(text);
  for (const [place, replacement] of places) clean = clean.replace(place, replacement);
  return clean;
}

/** A text without the secrets of the job that is being worked, in the forms in which they are written. */
export function withoutOpenSecrets(text: string): string {
  let clean = text;
  for (const secret of secretsInContext()) {
    if (clean.includes(secret)) clean = clean.replaceAll(secret, HIDDEN);
  }
  return clean;
}

const secretNames =
  /^(x-)?(pass(word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?(key|token)|client[_-]?secret|refresh[_-]?token|credentials?|authorization|(set-)?cookie)$/i;

/** What a line says besides its message, without the members that are named like secrets; two levels deep. */
export function withoutSecretMembers(given: unknown, depth = 2): unknown {
  if (depth === 0 || typeof given !== 'object' || given === null || given instanceof Error) return given;
  let clean: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(given)) {
    const kept =
      secretNames.test(name) && value !== undefined ? HIDDEN : withoutSecretMembers(value, depth - 1);
    if (kept === value) continue;
    // The very object stays wherever there is nothing to hide: pino tells errors by their class.
    clean ??= { ...given };
    clean[name] = kept;
  }
  return clean ?? given;
}

/** The forms in which a text can turn up in another, the text itself first; none for one that is in everything. */
export function formsOf(secret: string): string[] {
  // Less than that is found in many words, and guessed at once.
  if (secret.length < 4) return [];
  const bytes = Buffer.from(secret);
  const forms = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    escapedTwice(secret),
    uriForm(secret),
    bytes.toString('base64').replaceAll('=', ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
  return [...new Set(forms)];
}

function escapedTwice(secret: string): string {
  return JSON.stringify(JSON.stringify(secret).slice(1, -1)).slice(1, -1);
}

function uriForm(secret: string): string {
  try {
    return encodeURIComponent(secret);
  } catch {
    // Half a pair of surrogates.
    return secret;
  }
}
