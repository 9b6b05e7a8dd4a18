interface TokenSettings {
  readonly JWT_JWKS_URL?: string;
  readonly JWT_JWKS?: string;
  readonly JWT_ISSUER?: string;
  readonly JWT_AUDIENCE?: string;
}

/** What makes the settings for tokens of an issuer unusable or unsafe, one sentence each. */
export function tokenContradictions(settings: TokenSettings): string[] {
  const { JWT_JWKS_URL, JWT_JWKS, JWT_ISSUER, JWT_AUDIENCE } = settings;
  if (JWT_JWKS_URL === undefined && JWT_JWKS === undefined) return [];
  const found: string[] = [];
  if (JWT_JWKS_URL !== undefined && JWT_JWKS !== undefined) {
    found.push('JWT_JWKS_URL and JWT_JWKS exclude each other: set one of them');
  }
  if (JWT_ISSUER === undefined || JWT_AUDIENCE === undefined) {
    found.push('JWT_ISSUER and JWT_AUDIENCE are missing: tokens for somebody else would be taken');
  }
  if (JWT_JWKS_URL !== undefined && !isSafeFromOthers(JWT_JWKS_URL)) {
    found.push(
      'JWT_JWKS_URL must begin with https:// unless it names this machine: whoever sends the keys lets in',
    );
  }
  if (JWT_JWKS !== undefined && !isKeySet(JWT_JWKS)) {
    found.push('JWT_JWKS must be a JSON Web Key Set: {"keys":[…]}');
  }
  return found;
}

function isSafeFromOthers(address: string): boolean {
  // What is no address at all was told already.
  if (!URL.canParse(address)) return true;
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

function isKeySet(text: string): boolean {
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown };
    return Array.isArray(keys) && keys.length > 0;
  } catch {
    return false;
  }
}
