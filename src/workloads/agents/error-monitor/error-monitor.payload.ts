import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Matches,
  Min,
  ValidateNested,
} from 'class-validator';
import { wellFormed, wellFormedSays } from '../../../platform/http/field-patterns';
import { AgentPayload } from '../agent-payload';

/** So many deaths are grouped by one job. */
export const MAX_DEATHS_PER_JOB = 200;
/** So many groups are told of by one alert; the rest is counted. */
export const MAX_ALERTED_GROUPS = 20;

/** Payload of `error-monitor-job`: the document's `BaseJobData`, and what has died. */
export class ErrorMonitorPayload extends AgentPayload {
  /** Ids of dead letters. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_DEATHS_PER_JOB)
  @IsString({ each: true })
  @Length(1, 200, { each: true })
  @Matches(wellFormed, { ...wellFormedSays, each: true })
  deadLetterIds?: string[];
}

export const alertKinds = ['new', 'regression', 'rate'] as const;
export type AlertKind = (typeof alertKinds)[number];

/** One group that an alert is about. */
export class AlertedGroup {
  @IsIn([...alertKinds])
  kind!: AlertKind;

  @IsString()
  @Length(1, 100)
  tenant!: string;

  @IsString()
  @Length(1, 100)
  fingerprint!: string;

  @IsArray()
  @ArrayMaxSize(100)
  @IsString({ each: true })
  queues!: string[];

  @IsString()
  @Length(0, 200)
  errorName!: string;

  @IsString()
  @Length(0, 2_000)
  errorMessage!: string;

  /** Deaths so far. */
  @IsInt()
  @Min(1)
  count!: number;

  @IsString()
  @Length(1, 200)
  deadLetterId!: string;
}

/** Payload of `send-error-alert`. */
export class ErrorAlertPayload {
  /** The same in every try, and in the signed header `webhook-id`. */
  @IsString()
  @Matches(/^alert_[A-Za-z0-9_-]{1,120}$/, { message: 'alertId must be the id of an alert' })
  alertId!: string;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ALERTED_GROUPS)
  @ValidateNested({ each: true })
  @Type(() => AlertedGroup)
  groups!: AlertedGroup[];

  /** Groups beyond those that are told of. */
  @IsInt()
  @Min(0)
  more!: number;
}
