import { ApiProperty } from '@nestjs/swagger';
import { PageQueryDto } from '../../platform/http/page-query.dto';
import { CoachPayload } from '../../workloads/brokerage/ai/ai.payload';
import { IsPrintableText } from './connection.dto';

/** Whose trades are reviewed, and of which time. */
export class CreateReviewDto extends CoachPayload {}

export class ReviewListQueryDto extends PageQueryDto {
  @IsPrintableText(255)
  userId!: string;
}

export class RequestedReviewDto {
  /** Its result names the review. */
  jobId!: string;
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  links!: Record<string, string>;
}

export class ReviewEntryDto {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  userId!: string;
  /** `embedded`, or `language-model`. */
  provider!: string;
  model!: string;
  jobId!: string;
  @ApiProperty({ format: 'date-time' })
  createdAt!: string;
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  links!: Record<string, string>;
}

export class ReviewDto extends ReviewEntryDto {
  /** What was worked out; amounts are decimals as texts. */
  @ApiProperty({ type: Object, additionalProperties: true })
  statistics!: object;

  /** The same in words, as Markdown. */
  text!: string;
}

export class ReviewListDto {
  items!: ReviewEntryDto[];
  @ApiProperty({ type: String, nullable: true })
  next_cursor!: string | null;
}
