import { Controller, Get, HttpException, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import { Public } from '../../platform/auth/public.decorator';
import { DatabaseChecks } from './database-checks.service';
import { ProcessChecks } from './process-checks.service';
import { RedisChecks } from './redis-checks.service';
import { RedisFitness } from './redis-fitness.service';

// Above the deadlines of the checks themselves, below the patience of a prober.
const CHECK_TIMEOUT_MS = 2_400;

type Finding = Record<string, unknown>;
type Check = () => void | Finding | Promise<void | Finding>;

/** The probes of a process, in Terminus' form: 200 or 503, and under `error` what is wrong. */
@ApiTags('Health')
@Public()
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly redis: RedisChecks,
    private readonly fitness: RedisFitness,
    private readonly database: DatabaseChecks,
    private readonly process: ProcessChecks,
  ) {}

  /** Redis, the database, the files and the queues. */
  @Get()
  @HealthCheck()
  all(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthCheckResult> {
    return this.answer(reply, {
      redis: () => this.redis.answers(),
      database: () => this.database.answers(),
      storage: () => this.process.keepsFiles(),
      queues: () => this.process.hasQueues(),
    });
  }

  /** Whether this process must be restarted. It never asks Redis: one Redis fault would restart every process. */
  @Get('live')
  @HealthCheck()
  live(@Res({ passthrough: true }) reply: FastifyReply): HealthCheckResult {
    const { isWedged, longestDelayMs } = this.process.eventLoop;
    const details: HealthIndicatorResult = {
      eventLoop: { status: isWedged ? 'down' : 'up', longestDelayMs },
    };
    // Terminus' own service turns to "shutting_down" during a stop, and a draining process must not be killed.
    reply.status(isWedged ? 503 : 200);
    return isWedged
      ? { status: 'error', info: {}, error: details, details }
      : { status: 'ok', info: details, error: {}, details };
  }

  /** Whether this process can take work now. */
  @Get('ready')
  @HealthCheck()
  ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthCheckResult> {
    return this.answer(reply, {
      shutdown: () => this.process.isNotStopping(),
      redis: () => this.redis.answers(),
      redisWrite: () => this.redis.acceptsWrites(),
      evictionPolicy: () => this.redis.keepsEveryJob(),
      role: () => this.fitness.isPrimary(),
      persistence: () => this.fitness.isDurable(),
      clock: () => this.fitness.clockAgrees(),
      version: () => this.fitness.isRecent(),
      rights: () => this.fitness.grantsRights(),
      queueKeys: () => this.fitness.queuesAreSound(),
      store: () => this.fitness.storeIsTheSame(),
      memory: () => this.fitness.hasRoom(),
      workers: () => this.process.takesJobs(),
      schema: () => this.database.hasItsSchema(),
    });
  }

  /** Whether this process has come up: Redis was reached once, and the queues are registered. */
  @Get('startup')
  @HealthCheck()
  startup(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthCheckResult> {
    return this.answer(reply, {
      firstConnect: () => this.redis.wasReached(),
      queues: () => this.process.hasQueues(),
    });
  }

  private async answer(reply: FastifyReply, checks: Record<string, Check>): Promise<HealthCheckResult> {
    const attempts = Object.entries(checks).map(
      ([name, check]) =>
        () =>
          // An async function, so that a check that throws at once is a check that failed.
          this.indicators
            .check(name)
            .attempt(async () => check())
            .withTimeout(CHECK_TIMEOUT_MS),
    );
    try {
      return await this.health.check(attempts);
    } catch (error) {
      if (!(error instanceof HttpException)) throw error;
      // Terminus throws what it found; a prober gets it as it is, not as a problem.
      reply.status(error.getStatus());
      return error.getResponse() as HealthCheckResult;
    }
  }
}
