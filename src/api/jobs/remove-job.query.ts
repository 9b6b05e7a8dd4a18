import { IsOptional, IsString, MaxLength } from 'class-validator';

export class RemoveJobQuery {
  /** Why; kept with the job's history. */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}
