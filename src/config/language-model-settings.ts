import { IsInt, IsNumber, IsOptional, IsString, IsUrl, Matches, Max, MaxLength, Min } from 'class-validator';
import { decimalNumber, wholeNumber } from './setting-types';
import { WorkloadSettings } from './workload-settings';

const modelName = /^[\w.:/@+-]{1,200}$/;

/** The endpoint of a language model, and what it may be used for; without an address everything is embedded. */
export class LanguageModelSettings extends WorkloadSettings {
  @IsOptional()
  @MaxLength(1_000)
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true, disallow_auth: true })
  LLM_BASE_URL?: string;

  @IsOptional()
  @IsString()
  @Matches(/^[\x21-\x7e]{1,2000}$/, {
    message: 'LLM_API_KEY must be 1 to 2000 printable characters without spaces',
  })
  LLM_API_KEY?: string;

  @IsOptional()
  @Matches(modelName, { message: 'LLM_MODEL must be the name of a model, such as gpt-4o-mini' })
  LLM_MODEL?: string;

  @IsOptional()
  @Matches(modelName, {
    message: 'LLM_EMBEDDING_MODEL must be the name of a model, such as text-embedding-3-small',
  })
  LLM_EMBEDDING_MODEL?: string;

  @wholeNumber
  @IsInt()
  @Min(1_000)
  @Max(600_000)
  LLM_TIMEOUT_MS = 60_000;

  @wholeNumber
  @IsInt()
  @Min(0)
  @Max(100_000_000)
  LLM_TOKENS_PER_JOB = 50_000;

  @wholeNumber
  @IsInt()
  @Min(0)
  @Max(1_000_000_000_000)
  LLM_TOKENS_PER_DAY = 0;

  @decimalNumber
  @IsNumber({ maxDecimalPlaces: 6 })
  @Min(0)
  @Max(1_000_000)
  LLM_COST_PER_DAY = 0;

  @decimalNumber
  @IsNumber({ maxDecimalPlaces: 6 })
  @Min(0)
  @Max(1_000)
  LLM_PROMPT_PRICE_PER_THOUSAND = 0;

  @decimalNumber
  @IsNumber({ maxDecimalPlaces: 6 })
  @Min(0)
  @Max(1_000)
  LLM_COMPLETION_PRICE_PER_THOUSAND = 0;

  @decimalNumber
  @IsNumber({ maxDecimalPlaces: 6 })
  @Min(0)
  @Max(1_000)
  LLM_EMBEDDING_PRICE_PER_THOUSAND = 0;
}
