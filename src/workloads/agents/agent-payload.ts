import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { wellFormed, wellFormedSays } from '../../platform/http/field-patterns';
import { priorities, type Priority } from '../../platform/queue/priority';

/** What every job of document 001 carries (`BaseJobData`). */
export class AgentPayload {
  /** The request that the job works for. */
  @IsString()
  @Matches(/^[A-Za-z0-9_.:-]{1,100}$/, {
    message: 'requestId must be 1 to 100 letters, digits, dashes, underscores, dots or colons',
  })
  requestId!: string;

  /** Who asks, by the name that the application gives its users. */
  @IsString()
  @Length(1, 255)
  @Matches(wellFormed, wellFormedSays)
  userId!: string;

  @IsOptional()
  @IsIn([...priorities])
  @ApiPropertyOptional({ enum: [...priorities] })
  priority?: Priority;
}
