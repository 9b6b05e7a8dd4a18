import {
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
} from 'class-validator';
import { join, resolve } from 'node:path';
import { areQueueNumbers, queueNumbers, type QueueNumbers } from './queue-numbers';
import { wholeNumber, yesOrNo } from './setting-types';
import { TokenSettings } from './token-settings';

export type Role = 'all' | 'api' | 'worker';

/** Every setting of a process, named as its environment variable; `.env.example` explains each in one line. */
export class Settings extends TokenSettings {
  @IsIn(['production', 'development', 'test'])
  NODE_ENV: 'production' | 'development' | 'test' = 'development';

  @IsIn(['all', 'api', 'worker'])
  ROLE: Role = 'all';

  @wholeNumber
  @IsInt()
  @Min(0)
  @Max(65_535)
  PORT?: number;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  HOST?: string;

  @IsString()
  @MinLength(1)
  HOLDFAST_HOME = '.holdfast';

  @IsOptional()
  @IsString()
  @MinLength(16)
  @MaxLength(512)
  // A secret that was read from a file often ends with its line break, and would let nobody in.
  @Matches(/^\S(.*\S)?$/s, {
    message: 'HOLDFAST_BOOTSTRAP_KEY must not begin or end with a space or a line break',
  })
  HOLDFAST_BOOTSTRAP_KEY?: string;

  @IsOptional()
  @Matches(/^postgres(ql)?:\/\/.+/, { message: 'DATABASE_URL must begin with postgres:// or postgresql://' })
  DATABASE_URL?: string;

  @wholeNumber
  @IsInt()
  @Min(2)
  @Max(100)
  DATABASE_POOL_SIZE = 10;

  @IsString()
  @Matches(/^\*$|^[A-Za-z0-9_-]+(,[A-Za-z0-9_-]+)*$/, {
    message: 'WORKER_QUEUES must be * or queue names with commas between',
  })
  WORKER_QUEUES = '*';

  @areQueueNumbers('QUEUE_CONCURRENCY')
  QUEUE_CONCURRENCY = '5';

  @IsOptional()
  @areQueueNumbers('QUEUE_RATE_LIMIT')
  QUEUE_RATE_LIMIT?: string;

  @IsOptional()
  @areQueueNumbers('QUEUE_REMOVE_ON_COMPLETE')
  QUEUE_REMOVE_ON_COMPLETE?: string;

  @IsOptional()
  @areQueueNumbers('QUEUE_REMOVE_ON_FAIL')
  QUEUE_REMOVE_ON_FAIL?: string;

  @wholeNumber
  @IsInt()
  @Min(1_000)
  @Max(3_600_000)
  SHUTDOWN_TIMEOUT_MS = 30_000;

  @IsIn(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
  LOG_LEVEL = 'info';

  @IsIn(['json', 'pretty'])
  LOG_FORMAT: 'json' | 'pretty' = 'json';

  @IsOptional()
  @IsString()
  @MaxLength(500, { message: 'SENTRY_DSN must be at most 500 characters' })
  SENTRY_DSN?: string;

  @IsOptional()
  @Matches(/^[A-Za-z0-9._-]{1,64}$/, {
    message: 'SENTRY_ENVIRONMENT must be 1 to 64 letters, digits, dots, dashes or underscores',
  })
  SENTRY_ENVIRONMENT?: string;

  @yesOrNo
  @IsIn([true, false], { message: 'QUEUE_TEST_ENABLED must be true or false' })
  QUEUE_TEST_ENABLED?: boolean;

  @yesOrNo
  @IsIn([true, false], { message: 'AUDIT_REASON_REQUIRED must be true or false' })
  AUDIT_REASON_REQUIRED = false;

  @IsOptional()
  @Matches(/^[a-z0-9]{1,16}:[A-Za-z0-9+/_-]{43}=?(,[a-z0-9]{1,16}:[A-Za-z0-9+/_-]{43}=?){0,19}$/, {
    message:
      'SECRETS_KEYS must be <name>:<32 bytes in base64>, with commas between; the first key seals, all of them open',
  })
  SECRETS_KEYS?: string;

  @wholeNumber
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  LIMIT_REQUESTS_PER_SECOND = 0;

  @wholeNumber
  @IsInt()
  @Min(0)
  @Max(1_000_000_000)
  LIMIT_JOBS_PER_MINUTE = 0;

  @wholeNumber
  @IsInt()
  @Min(1)
  @Max(366)
  LEDGER_RETENTION_DAYS = 30;

  @wholeNumber
  @IsInt()
  @Min(1_000)
  @Max(1_000_000_000)
  LEDGER_ROWS_PER_QUEUE = 5_000_000;

  @IsOptional()
  @IsString()
  @MaxLength(4_000)
  OUTBOUND_ALLOW_ADDRESSES?: string;

  @Matches(/^\d{1,5}(,\d{1,5}){0,99}$/, { message: 'OUTBOUND_ALLOW_PORTS must be ports with commas between' })
  OUTBOUND_ALLOW_PORTS = '80,443';

  @IsOptional()
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  PUBLIC_URL?: string;

  get isProduction(): boolean {
    return this.NODE_ENV === 'production';
  }

  get home(): string {
    return resolve(this.HOLDFAST_HOME);
  }

  /** Where CLEANUP finds old temporary files. */
  get cleanupTempRoot(): string {
    return resolve(this.CLEANUP_TEMP_ROOT ?? join(this.home, 'tmp'));
  }

  /** Where CLEANUP finds old logs. */
  get cleanupLogRoot(): string {
    return resolve(this.CLEANUP_LOG_ROOT ?? join(this.home, 'logs'));
  }

  /** What the settings say of single queues, by the names of those settings. */
  get queueNumbers(): Record<'concurrency' | 'rateLimit' | 'completed' | 'failed', QueueNumbers> {
    return {
      concurrency: queueNumbers(this.QUEUE_CONCURRENCY),
      rateLimit: queueNumbers(this.QUEUE_RATE_LIMIT),
      completed: queueNumbers(this.QUEUE_REMOVE_ON_COMPLETE),
      failed: queueNumbers(this.QUEUE_REMOVE_ON_FAIL),
    };
  }

  /** The port to listen on; a worker's is for its probes only. */
  get port(): number {
    return this.PORT ?? (this.ROLE === 'worker' ? 3001 : 3000);
  }

  /** Whether callers can be told apart by the settings alone, without a key in the database. */
  get hasKeyOfItsOwn(): boolean {
    return [this.HOLDFAST_BOOTSTRAP_KEY, this.JWT_JWKS_URL, this.JWT_JWKS].some(
      (value) => value !== undefined,
    );
  }

  /** The networks that are not public and may be called all the same. */
  get outboundAddresses(): string[] {
    return this.OUTBOUND_ALLOW_ADDRESSES?.split(',') ?? [];
  }

  get outboundPorts(): number[] {
    return this.OUTBOUND_ALLOW_PORTS.split(',').map(Number);
  }

  get isQueueTestEnabled(): boolean {
    return this.QUEUE_TEST_ENABLED ?? !this.isProduction;
  }
}

/** The names of all environment variables the server reads. */
export function settingNames(): string[] {
  return Object.keys(new Settings());
}
