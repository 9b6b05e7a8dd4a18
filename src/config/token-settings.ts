import { IsInt, IsJSON, IsOptional, IsString, IsUrl, Matches, Max, MaxLength, Min } from 'class-validator';
import { RedisSettings } from './redis-settings';
import { wholeNumber } from './setting-types';

/** Whose tokens are believed, and what they say of their holder. */
export class TokenSettings extends RedisSettings {
  @IsOptional()
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  JWT_JWKS_URL?: string;

  @IsOptional()
  @IsJSON()
  @MaxLength(100_000)
  JWT_JWKS?: string;

  @IsOptional()
  @IsString()
  @MaxLength(500)
  JWT_ISSUER?: string;

  @IsOptional()
  @IsString()
  @MaxLength(500)
  JWT_AUDIENCE?: string;

  // Only signatures by a private key: with any other a public key, or nothing, would do to sign.
  @Matches(/^((RS|PS|ES)(256|384|512)|EdDSA)(,((RS|PS|ES)(256|384|512)|EdDSA))*$/, {
    message: 'JWT_ALGORITHMS must name RS, PS or ES with 256, 384 or 512, or EdDSA, with commas between',
  })
  JWT_ALGORITHMS = 'RS256,PS256,ES256,EdDSA';

  @wholeNumber
  @IsInt()
  @Min(0)
  @Max(300)
  JWT_LEEWAY_SECONDS = 30;

  @IsString()
  @MaxLength(100)
  JWT_ROLE_CLAIM = 'role';

  @IsOptional()
  @IsString()
  @MaxLength(100)
  JWT_TENANT_CLAIM?: string;

  @IsOptional()
  @IsString()
  @MaxLength(100)
  JWT_GRANTS_CLAIM?: string;
}
