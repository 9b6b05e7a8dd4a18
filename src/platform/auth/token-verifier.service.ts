import { Injectable, Logger } from '@nestjs/common';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTPayload,
} from 'jose';
import { Settings } from '../../config/settings';
import { problem } from '../problems/problem-catalogue';
import { HOME_TENANT, isGrant, isRole, isTenant } from './permissions';
import type { Principal } from './principal';

const MAX_TOKEN_CHARACTERS = 8_192;
const MAX_GRANTS = 100;
const MAX_SUBJECT_CHARACTERS = 200;
const KEYS_TIMEOUT_MS = 3_000;
const KEYS_KEPT_MS = 600_000;
// A token with an unknown key id has the keys fetched again, but not more often than this.
const KEYS_COOLDOWN_MS = 30_000;

type Keys = Parameters<typeof jwtVerify>[1];

/** Tells whose a signed token of an outside issuer is, where the settings name one. */
@Injectable()
export class TokenVerifier {
  private readonly logger = new Logger('Tokens');
  private readonly keys?: Keys;

  constructor(private readonly settings: Settings) {
    const { JWT_JWKS_URL, JWT_JWKS } = settings;
    if (JWT_JWKS !== undefined) this.keys = createLocalJWKSet(JSON.parse(JWT_JWKS) as JSONWebKeySet);
    else if (JWT_JWKS_URL !== undefined) {
      this.keys = createRemoteJWKSet(new URL(JWT_JWKS_URL), {
        timeoutDuration: KEYS_TIMEOUT_MS,
        cacheMaxAge: KEYS_KEPT_MS,
        cooldownDuration: KEYS_COOLDOWN_MS,
      });
    }
  }

  /**
   * Undefined for a token that is not for us: of another issuer or audience, out of its time, signed otherwise or by
   * another, or without a role or tenant of ours. Throws `issuer_unavailable` when the issuer's keys cannot be had.
   */
  async verify(token: string): Promise<Principal | undefined> {
    if (this.keys === undefined || token.length > MAX_TOKEN_CHARACTERS) return undefined;
    const { JWT_ISSUER, JWT_AUDIENCE, JWT_ALGORITHMS, JWT_LEEWAY_SECONDS } = this.settings;
    try {
      const { payload } = await jwtVerify(token, this.keys, {
        issuer: JWT_ISSUER!,
        audience: JWT_AUDIENCE!,
        algorithms: JWT_ALGORITHMS.split(','),
        clockTolerance: JWT_LEEWAY_SECONDS,
        requiredClaims: ['exp', 'sub'],
      });
      return this.principalOf(payload);
    } catch (error) {
      if (isOfToken(error)) return undefined;
      this.logger.warn(`The keys of the token issuer cannot be had: ${String(error).slice(0, 200)}`);
      throw problem('issuer_unavailable', {}, error);
    }
  }

  private principalOf(payload: JWTPayload): Principal | undefined {
    const { JWT_ROLE_CLAIM, JWT_TENANT_CLAIM, JWT_GRANTS_CLAIM } = this.settings;
    const role = payload[JWT_ROLE_CLAIM];
    const tenant = JWT_TENANT_CLAIM === undefined ? HOME_TENANT : payload[JWT_TENANT_CLAIM];
    const subject = payload.sub ?? '';
    if (!isRole(role) || typeof tenant !== 'string' || !isTenant(tenant)) return undefined;
    if (subject === '' || subject.length > MAX_SUBJECT_CHARACTERS) return undefined;
    const claimed = JWT_GRANTS_CLAIM === undefined ? [] : listOf(payload[JWT_GRANTS_CLAIM]);
    return {
      id: `jwt:${subject}`,
      name: subject,
      tenant,
      role,
      grants: claimed.slice(0, MAX_GRANTS).filter(isGrant),
    };
  }
}

/** A list, or one text with spaces between, as the claim `scope` has it. */
function listOf(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ');
  return Array.isArray(claim) ? claim.filter((one): one is string => typeof one === 'string') : [];
}

/** Whether the token is at fault, rather than the way to the issuer's keys. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout) &&
    !(error instanceof errors.JWKSInvalid) &&
    // jose throws its plain base class where the address answers with something else than keys.
    error.code !== errors.JOSEError.code
  );
}
