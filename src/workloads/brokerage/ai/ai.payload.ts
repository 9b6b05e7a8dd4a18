import { IsISO8601, IsString, IsUUID, Length, Matches, ValidateIf } from 'class-validator';

/** Names at rest. */
export const COACH = 'coach';
export const EMBED = 'embed';

// PostgreSQL has no text with a NUL in it.
const printable = /^[^\p{Cc}\p{Cs}]+$/u;
const zoned = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/;
const zonedSays = {
  message: '$property must be a date and a time with a time zone, such as 2030-01-31T08:00:00Z',
};

/** Unlike class-validator's own decorator this does not let null through. */
const mayBeLeftOut = () => ValidateIf((_payload, value) => value !== undefined);

/** Payload of `coach`. */
export class CoachPayload {
  /** Whose trades are reviewed, as the application calls its users. */
  @IsString()
  @Length(1, 255)
  @Matches(printable, { message: '$property must be text without control characters' })
  userId!: string;

  /** Only what was closed at this time or later. */
  @mayBeLeftOut()
  @Matches(zoned, zonedSays)
  @IsISO8601({ strict: true }, { message: '$property must be a date that exists' })
  from?: string;

  /** Only what was closed before this time. */
  @mayBeLeftOut()
  @Matches(zoned, zonedSays)
  @IsISO8601({ strict: true }, { message: '$property must be a date that exists' })
  to?: string;
}

/** Payload of `embed`. */
export class EmbedPayload {
  /** A note of the tenant that the job belongs to. */
  @IsUUID()
  noteId!: string;
}
