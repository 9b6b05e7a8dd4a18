import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { wellFormed, wellFormedSays } from '../../platform/http/field-patterns';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import {
  authFault,
  endpointFault,
  MAX_ENDPOINT_CHARACTERS,
  publicKeyFault,
} from '../../workloads/tasks/push-address-faults';

// The year 9999: PostgreSQL cannot read how JavaScript writes those after.
const LATEST_TIME = 253_402_300_799_999;

const faultless = (name: string, faultOf: (value: unknown) => string | undefined) =>
  ValidateBy({
    name,
    validator: {
      validate: (value) => faultOf(value) === undefined,
      defaultMessage: (args) => `${args?.property} ${faultOf(args?.value) ?? ''}`,
    },
  });

export class PushKeysDto {
  /** The public key of the browser: 65 bytes in base64url. */
  @faultless('isPublicKey', publicKeyFault)
  @ApiProperty({ type: String, minLength: 87, maxLength: 87, pattern: '^[A-Za-z0-9_-]{87}$' })
  p256dh!: string;

  /** The secret that it shares: 16 bytes in base64url. */
  @faultless('isAuthSecret', authFault)
  @ApiProperty({ type: String, minLength: 22, maxLength: 22, pattern: '^[A-Za-z0-9_-]{22}$' })
  auth!: string;
}

/** What `PushSubscription.toJSON()` of a browser says, and whose it is. */
export class NewPushSubscriptionDto {
  /** Who uses the browser, as the application calls its users. */
  @IsString()
  @Length(1, 255)
  @Matches(wellFormed, wellFormedSays)
  userId!: string;

  /** The address of the push service, which begins with https://. */
  @faultless('isPushEndpoint', endpointFault)
  @ApiProperty({ type: String, maxLength: MAX_ENDPOINT_CHARACTERS })
  endpoint!: string;

  /** Epoch milliseconds after which the browser takes nothing any more. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(LATEST_TIME)
  @ApiPropertyOptional({ type: Number, nullable: true })
  expirationTime?: number | null;

  @IsObject()
  @ValidateNested()
  @Type(() => PushKeysDto)
  keys!: PushKeysDto;
}

export class PushSubscriptionListQueryDto extends PageQueryDto {
  /** Only those of one user. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @Matches(wellFormed, wellFormedSays)
  userId?: string;
}

export class PushSubscriptionDto {
  id!: string;
  userId!: string;

  /** The origin of the endpoint; the rest of it, and the keys, no answer shows. */
  service!: string;

  /** False where it was made for a VAPID key that the server does not have any more: nothing is sent to it. */
  usable!: boolean;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  expiresAt!: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt!: string;

  /** When the browser was registered last. */
  @ApiProperty({ format: 'date-time' })
  renewedAt!: string;
}

export class PushSubscriptionListDto {
  items!: PushSubscriptionDto[];

  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}

export class PushKeyDto {
  /** The `applicationServerKey` for `PushManager.subscribe()`: 65 bytes in base64url. */
  publicKey!: string;
}
