import { ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  Length,
  Matches,
  ValidateIf,
} from 'class-validator';
import { IsMailAddress } from '../../../integrations/mail/mail-address';
import type { NotificationType } from '../notifications.tables';
import { IsMetadata, IsStorableText } from './notification-texts';

/** Document 004 gives this name. */
export const USER_NOTIFICATION = 'USER_NOTIFICATION';

export const notificationTypes: readonly NotificationType[] = ['info', 'warning', 'error', 'success'];
export const notificationChannels = ['email', 'push'] as const;
export type NotificationChannel = (typeof notificationChannels)[number];

// The subject of a mail is one line, and a variable of its template has as many characters as a body may have.
const oneLine = /^[^\p{Cc}\u2028\u2029]*$/u;
const MAX_BODY_CHARACTERS = 5_000;

/** Payload of `USER_NOTIFICATION`, with the fields of document 004 and some of ours. */
export class UserNotificationPayload {
  /** Whom it is for, by the name that the application gives its users. */
  @IsStorableText()
  @IsString()
  @Length(1, 255)
  userId!: string;

  @IsStorableText()
  @IsString()
  @Length(1, 200)
  @Matches(oneLine, { message: 'title must be one line of text' })
  title!: string;

  @IsStorableText()
  @IsString()
  @Length(1, MAX_BODY_CHARACTERS)
  body!: string;

  /** How it is to be shown; `info` unless said. */
  @IsOptional()
  @IsIn(notificationTypes)
  type?: NotificationType;

  /** Anything that whoever shows it needs, such as a link: at most 4096 bytes of JSON, 5 levels deep. */
  @IsOptional()
  @IsMetadata()
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  metadata?: Record<string, unknown>;

  /** Where it is told besides the list of notifications; `push` goes to the browsers that the user has subscribed. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(notificationChannels.length)
  @ArrayUnique()
  @IsIn(notificationChannels, { each: true })
  channels?: NotificationChannel[];

  /** The address of the user; needed for the channel `email`. */
  @ValidateIf(({ channels, email }: UserNotificationPayload) => email != null || wantsMail(channels))
  @IsMailAddress()
  @ApiPropertyOptional({ type: 'string' })
  email?: string;
}

/** Whether a mail is asked for; the channels may be anything as long as nobody has checked them. */
export function wantsMail(channels: unknown): boolean {
  return wants('email', channels);
}

/** The same for web push. */
export function wantsPush(channels: unknown): boolean {
  return wants('push', channels);
}

function wants(channel: NotificationChannel, channels: unknown): boolean {
  return Array.isArray(channels) && channels.includes(channel);
}
