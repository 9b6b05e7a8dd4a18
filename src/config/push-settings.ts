import { IsOptional, Matches, MaxLength } from 'class-validator';
import { FeedSettings } from './feed-settings';

/** Who sends web push, as RFC 8292 has it: its pair of keys, and where a push service reaches a person. */
export interface Vapid {
  readonly publicKey: string;
  readonly privateKey: string;
  readonly subject: string;
}

/** The settings of web push; without them the channel does not exist. */
export class PushSettings extends FeedSettings {
  @IsOptional()
  @Matches(/^[A-Za-z0-9_-]{87}$/, {
    message: 'VAPID_PUBLIC_KEY must be 65 bytes in base64url: npm run push:keys makes a pair',
  })
  VAPID_PUBLIC_KEY?: string;

  @IsOptional()
  @Matches(/^[A-Za-z0-9_-]{43}$/, {
    message: 'VAPID_PRIVATE_KEY must be 32 bytes in base64url: npm run push:keys makes a pair',
  })
  VAPID_PRIVATE_KEY?: string;

  @IsOptional()
  @MaxLength(255, { message: 'VAPID_SUBJECT must be at most 255 characters' })
  @Matches(/^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, {
    message: 'VAPID_SUBJECT must begin with mailto: or https://',
  })
  VAPID_SUBJECT?: string;

  /** Undefined where web push is not set up. */
  get vapid(): Vapid | undefined {
    const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, VAPID_SUBJECT: subject } = this;
    if (publicKey === undefined || privateKey === undefined || subject === undefined) return undefined;
    return { publicKey, privateKey, subject };
  }
}
