import { IsString, IsUUID, MaxLength, MinLength } from 'class-validator';

export class ValidateFilePayload {
  /** The run whose upload is validated. */
  @IsUUID()
  validationRunId!: string;

  /** As the caller called the file; for display only. */
  @IsString()
  @MinLength(1)
  @MaxLength(255)
  fileName!: string;
}
