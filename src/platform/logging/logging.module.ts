import { RequestMethod, type DynamicModule } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import type { Options } from 'pino-http';
import type { Settings } from '../../config/settings';
import { logContext, type LogContext } from './correlation';
import { bufferedOutput } from './log-output';
import { loggedError } from './logged-error';
import { withoutOpenSecrets, withoutSecretMembers } from './redact';

// A line per module and per route at every start says nothing that the code does not.
const chatter = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory']);

const silentPaths = /^\/(health|admin\/queues\/(static|api))/;

const nowhere = {};

// As pino counts; what is as bad or worse is to be seen whatever happens next.
const ERROR_LEVEL = 50;

/** Whether lines of that level are written at all: what nobody reads need not be made for every job. */
export function logsInfo({ LOG_LEVEL }: Pick<Settings, 'LOG_LEVEL'>): boolean {
  return ['trace', 'debug', 'info'].includes(LOG_LEVEL);
}

/** Structured logs: one JSON line per event, each with the correlation id of its request or job. */
export function loggingModule(settings: Settings): DynamicModule {
  const buffered = settings.LOG_FORMAT === 'json' ? bufferedOutput() : undefined;
  const pinoHttp: Options = {
    level: settings.LOG_LEVEL,
    base: { role: settings.ROLE, pid: process.pid },
    timestamp: timeOf(),
    formatters: { level: (label) => ({ level: label }) },
    mixin: () => logContext() ?? nowhere,
    mixinMergeStrategy: inContext,
    hooks: {
      logMethod(args, method, level) {
        const [first, ...others] = args as [unknown, ...string[]];
        const context = (first as { context?: string } | undefined)?.context;
        if (context === undefined || !chatter.has(context)) {
          method.apply(this, [withoutSecretMembers(first), ...others] as never);
        }
        if (level >= ERROR_LEVEL) buffered?.flushSync();
      },
      streamWrite: withoutOpenSecrets,
    },
    quietReqLogger: true,
    // Headers are left out altogether: a key can travel in any of them.
    serializers: {
      err: loggedError,
      req: ({ id, method, url }: { id: string; method: string; url: string }) => ({
        id,
        method,
        url: url.split('?')[0]?.slice(0, 300),
      }),
      res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
    },
    customLogLevel: (_request, response, error) =>
      error !== undefined || response.statusCode >= 500 ? 'error' : 'info',
    autoLogging: { ignore: ({ url }) => silentPaths.test(url ?? '') },
    ...(settings.LOG_FORMAT === 'pretty' && {
      transport: { target: 'pino-pretty', options: { singleLine: true, ignore: 'pid,role' } },
    }),
  };
  return LoggerModule.forRoot({
    pinoHttp: buffered === undefined ? pinoHttp : [pinoHttp, buffered],
    forRoutes: [{ path: '*splat', method: RequestMethod.ALL }],
  });
}

/** The line with its context; what the line says itself holds. nestjs-pino hands over an object of its own. */
function inContext(line: object, context: Partial<LogContext>): object {
  const { correlationId, queue, jobId } = context;
  const own: Partial<Record<keyof LogContext, unknown>> = line;
  if (correlationId !== undefined) own.correlationId ??= correlationId;
  if (queue !== undefined) own.queue ??= queue;
  if (jobId !== undefined) own.jobId ??= jobId;
  return line;
}

/** Makes the time of each line; lines of one millisecond share its text. */
function timeOf(): () => string {
  let shownAt = 0;
  let shown = '';
  return () => {
    const now = Date.now();
    if (now !== shownAt) {
      shownAt = now;
      shown = `,"time":"${new Date(now).toISOString()}"`;
    }
    return shown;
  };
}
