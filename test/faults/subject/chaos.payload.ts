import { IsBoolean, IsIn, IsInt, IsOptional, IsString, Length, Max, MaxLength, Min } from 'class-validator';

/** What a job may do besides its effect; each is something that a handler has done to somebody. */
export const deeds = [
  'effect',
  'fail',
  'dawdle',
  'hang',
  'block',
  'die',
  'exit',
  'grow',
  'reject-unheard',
  'throw-undefined',
  'throw-string',
  'throw-cyclic',
  'throw-huge',
  'return-cyclic',
  'return-bigint',
  'return-huge',
] as const;
export type Deed = (typeof deeds)[number];

export class ChaosPayload {
  /** Names the effect, so that the sink can count it. */
  @IsString()
  @Length(1, 300)
  key!: string;

  @IsOptional()
  @IsIn([...deeds])
  does?: Deed;

  /** How many of its starts do the deed; later ones just have the effect. Every start where it is left out. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100)
  times?: number;

  /** Whether each start gets the job on before it does the deed. */
  @IsOptional()
  @IsBoolean()
  advances?: boolean;

  /** How long it works before the deed, and how long a busy loop lasts. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(600_000)
  beforeMs?: number;

  /** Makes the job as large as a test needs it. */
  @IsOptional()
  @IsString()
  @MaxLength(90_000)
  padding?: string;

  /** How long it goes on after its effect. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(600_000)
  afterMs?: number;
}
