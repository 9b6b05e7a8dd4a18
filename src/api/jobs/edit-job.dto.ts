import { ApiPropertyOptional, PickType } from '@nestjs/swagger';
import { IsObject, IsOptional } from 'class-validator';
import { JobOptionsDto } from './create-job.dto';

/** What of a waiting job is to change; what is left out stays. */
export class EditJobDto extends PickType(JobOptionsDto, ['priority', 'delay', 'runAt'] as const) {
  /** The whole new payload, as the job type describes it. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  @IsOptional()
  @IsObject()
  data?: Record<string, unknown>;
}
