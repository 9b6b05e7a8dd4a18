import { RequestMethod, type DynamicModule } from '@nestjs/common';
import { destination } from 'pino';
import { LoggerModule } from 'nestjs-pino';
import type { Options } from 'pino-http';
import type { Settings } from '../../config/settings';
import { logContext } from './correlation';
import { loggedError } from './logged-error';

// A line per module and per route at every start says nothing that the code does not.
const chatter = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory']);

const silentPaths = /^\/(health|admin\/queues\/(static|api))/;

// A write per line costs a worker more than the whole rest of a small job.
const BUFFERED_BYTES = 8_192;
const FLUSH_INTERVAL_MS = 100;
const ERROR_LEVEL = 50;

let output: ReturnType<typeof destination> | undefined;

/** Standard output in pieces of 8 KiB, at the latest after 100 ms, after an error, and at the end of the process. */
function bufferedOutput(): ReturnType<typeof destination> {
  if (output !== undefined) return output;
  const opened = destination({
    dest: 1,
    sync: true,
    minLength: BUFFERED_BYTES,
    periodicFlush: FLUSH_INTERVAL_MS,
  });
  process.once('exit', () => opened.flushSync());
  output = opened;
  return opened;
}

/** Structured logs: one JSON line per event, each with the correlation id of its request or job. */
export function loggingModule(settings: Settings): DynamicModule {
  const buffered = settings.LOG_FORMAT === 'json' ? bufferedOutput() : undefined;
  const pinoHttp: Options = {
    level: settings.LOG_LEVEL,
    base: { role: settings.ROLE, pid: process.pid },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    mixin: () => ({ ...logContext() }),
    hooks: {
      logMethod(args, method, level) {
        const [first] = args as unknown[];
        const context = (first as { context?: string } | undefined)?.context;
        if (context === undefined || !chatter.has(context)) method.apply(this, args);
        if (level >= ERROR_LEVEL) buffered?.flushSync();
      },
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
