import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsNumber,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { wellFormed, wellFormedSays } from '../../../platform/http/field-patterns';
import { AgentPayload } from '../agent-payload';

export class AnalyzedQuote {
  @IsString()
  @Length(1, 100)
  @Matches(wellFormed, wellFormedSays)
  id!: string;

  @IsString()
  @Length(1, 200)
  @Matches(wellFormed, wellFormedSays)
  operatorName!: string;

  /** US dollars. */
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(1_000_000_000)
  price!: number;
}

/** Payload of `proposal-analysis-job` (`ProposalAnalysisJobData`); in a flow the quotes are those of its search. */
export class ProposalAnalysisPayload extends AgentPayload {
  @IsIn(['analyze-quotes'])
  type!: 'analyze-quotes';

  @IsArray()
  @ArrayMaxSize(200)
  @ValidateNested({ each: true })
  @Type(() => AnalyzedQuote)
  quotes!: AnalyzedQuote[];
}
