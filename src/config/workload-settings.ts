import {
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
} from 'class-validator';
import { PushSettings } from './push-settings';
import { wholeNumber, yesOrNo } from './setting-types';

/** The settings of what jobs do: validation, files, mail, exports, cleaning, notifications. */
export class WorkloadSettings extends PushSettings {
  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(100)
  VALIDATION_CONCURRENCY = 2;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(1_099_511_627_776)
  VALIDATION_MAX_BYTES = 2_147_483_648;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(10_000_000)
  VALIDATION_MAX_STORED_FINDINGS = 100_000;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(1_099_511_627_776)
  FILE_MAX_BYTES = 104_857_600;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(1_125_899_906_842_624)
  FILE_TENANT_BYTES = 10_737_418_240;

  // Each may be due every few minutes.
  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  BROKER_CONNECTIONS_PER_TENANT = 10_000;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(87_600)
  FILE_RETENTION_HOURS = 168;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(8_760)
  FILE_LINK_HOURS = 24;

  @wholeNumber
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  FILE_LINK_REQUESTS_PER_MINUTE = 600;

  @IsOptional()
  @IsString()
  @MinLength(32)
  @MaxLength(512)
  @Matches(/^\S(.*\S)?$/s, {
    message: 'FILE_LINK_SECRET must not begin or end with a space or a line break',
  })
  FILE_LINK_SECRET?: string;

  @IsOptional()
  @IsString()
  @MaxLength(1_000)
  CLEANUP_TEMP_ROOT?: string;

  @IsOptional()
  @IsString()
  @MaxLength(1_000)
  CLEANUP_LOG_ROOT?: string;

  @wholeNumber
  @IsInt()
  @Min(0)
  @Max(168)
  CLEANUP_EVERY_HOURS = 24;

  @IsOptional()
  @Matches(/^smtps?:\/\/[^\s]+$/, { message: 'SMTP_URL must begin with smtp:// or smtps://' })
  SMTP_URL?: string;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(100)
  SMTP_CONNECTIONS = 5;

  @IsOptional()
  @yesOrNo
  @IsIn([true, false], { message: 'SMTP_TLS_REQUIRED must be true or false' })
  SMTP_TLS_REQUIRED?: boolean;

  @Matches(/^([^\p{Cc}<>@",]{1,100} <[^\s<>@",]+@[^\s<>@",]+>|[^\s<>@",]+@[^\s<>@",]+)$/u, {
    message: 'MAIL_FROM must be an address, or a name and an address: Holdfast <mail@example.org>',
  })
  MAIL_FROM = 'Holdfast <holdfast@localhost>';

  @wholeNumber
  @IsInt()
  @Min(0)
  @Max(104_857_600)
  MAIL_MAX_ATTACHMENT_BYTES = 10_485_760;

  @wholeNumber
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  MAIL_DOMAIN_PER_MINUTE = 0;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(1_099_511_627_776)
  EXPORT_MAX_BYTES = 2_147_483_648;

  @wholeNumber
  @IsInt()
  @Min(1_048_576)
  @Max(1_099_511_627_776)
  CACHE_TENANT_BYTES = 67_108_864;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(10_000)
  NOTIFICATIONS_PER_USER = 1_000;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(3_650)
  NOTIFICATION_RETENTION_DAYS = 90;

  @IsOptional()
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  ERROR_ALERT_WEBHOOK_URL?: string;

  @IsOptional()
  @Matches(/^whsec_[A-Za-z0-9+/]{32,172}={0,2}$/, {
    message: 'ERROR_ALERT_WEBHOOK_SECRET must be whsec_ and 24 to 128 bytes in base64',
  })
  ERROR_ALERT_WEBHOOK_SECRET?: string;

  @IsOptional()
  @Matches(/^[^\s<>@",]{1,64}@[^\s<>@",]{1,189}$/, { message: 'ERROR_ALERT_EMAIL must be one mail address' })
  ERROR_ALERT_EMAIL?: string;

  @wholeNumber
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  ERROR_ALERT_RATE = 100;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(1_440)
  ERROR_ALERT_RATE_MINUTES = 10;
}
