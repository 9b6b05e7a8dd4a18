import { ApiProperty } from '@nestjs/swagger';
import { CreateJobDto } from './create-job.dto';

export const MAX_BATCH_JOBS = 1_000;

/** Documents the body of a batch; it is checked item by item, which a class of a thousand items would be slow at. */
export class CreateBatchDto {
  @ApiProperty({ type: [CreateJobDto], minItems: 1, maxItems: MAX_BATCH_JOBS })
  jobs!: CreateJobDto[];
  /** Stores what is sound and refuses the rest, instead of nothing when one job is wrong. */
  partial?: boolean;
}

export class BatchErrorDto {
  pointer!: string;
  detail!: string;
  code!: string;
}

export class BatchItemDto {
  /** The place in the request, from 0. */
  index!: number;
  /** `refused` is wrong or in conflict; `unknown` and `not_stored` only in a 503, and may be sent again. */
  @ApiProperty({ enum: ['accepted', 'deduplicated', 'refused', 'unknown', 'not_stored'] })
  status!: 'accepted' | 'deduplicated' | 'refused' | 'unknown' | 'not_stored';
  /** The job that was stored, or that has the key. */
  id?: string;
  errors?: BatchErrorDto[];
}

/** The answer to a batch: one outcome per job, in the order of the request. */
export class CreatedBatchDto {
  accepted!: number;
  /** Those whose key named a job that was there already. */
  deduplicated!: number;
  refused!: number;
  items!: BatchItemDto[];
}
