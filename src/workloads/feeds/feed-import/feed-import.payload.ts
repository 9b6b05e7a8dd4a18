import { IsString, IsUUID, Length } from 'class-validator';

// Document 003 refuses a job without them in these words.
const named = (what: string) => ({
  message: `Invalid job data: ${what} must be a text of 1 to 2,048 characters`,
});

/** Names one item of an import; its content waits in PostgreSQL, so that a large feed does not fill Redis. */
export class ImportItemPayload {
  @IsUUID()
  importId!: string;

  @IsString(named('source'))
  @Length(1, 2_048, named('source'))
  source!: string;

  @IsString(named('guid'))
  @Length(1, 2_048, named('guid'))
  guid!: string;
}
