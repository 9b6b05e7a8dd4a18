import { IsBoolean, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';

/** Document 000 gives this name. */
export const TEST_JOB_NAME = 'test-job';

export const TEST_JOB_MAX_DELAY_MS = 60_000;

/** Payload of `test-job`, with the fields of document 000. */
export class TestJobData {
  /** Comes back in the result. */
  @IsString()
  @Length(1, 1_000)
  message!: string;

  /** How long the job works, in milliseconds. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(TEST_JOB_MAX_DELAY_MS)
  delay?: number;

  /** Makes every attempt fail after its work. */
  @IsOptional()
  @IsBoolean()
  shouldFail?: boolean;
}
