import { IsString, IsUUID, Length } from 'class-validator';

/** One source of one import. */
export class FetchFeedPayload {
  @IsUUID()
  importId!: string;

  @IsString()
  @Length(1, 2_048)
  source!: string;
}
