import type { NodeClient, StackFrame } from '@sentry/node';
import { createRequire } from 'node:module';
import { holdfastVersion, workerName } from '../queue/worker-identity';
import type { ErrorReport } from './error-report';
import { reportLine, type ReportLine } from './report-request';

type Sentry = typeof import('@sentry/node');

export interface SentryAddress {
  readonly dsn: string;
  readonly environment: string;
  readonly role: string;
}

// What an address that is slow can hold up in memory: 30 reports of a few kB.
const MAX_WAITING = 30;

/** The package is not among the installed ones. */
export class SentryMissingError extends Error {
  constructor() {
    super(
      'SENTRY_DSN is set, but @sentry/node is not installed: nothing is reported until `npm ci --include=optional` has brought it.',
    );
    this.name = 'SentryMissingError';
  }
}

/**
 * Reports to one address and does nothing else: no integration, no tracing, no handler of the process, no global client.
 * Loads @sentry/node; throws {@link SentryMissingError} where it is missing.
 */
export class SentryClient {
  private readonly sentry = loaded();
  private readonly client: NodeClient;
  private readonly role: string;
  private line?: ReportLine;

  constructor({ dsn, environment, role }: SentryAddress) {
    this.role = role;
    const { NodeClient, createTransport, defaultStackParser } = this.sentry;
    this.client = new NodeClient({
      dsn,
      environment,
      release: `holdfast@${holdfastVersion}`,
      integrations: [],
      stackParser: defaultStackParser,
      includeServerName: false,
      sendClientReports: false,
      maxBreadcrumbs: 0,
      transport: (options) => {
        const line = reportLine(options.url, options.headers);
        this.line = line;
        return createTransport({ ...options, bufferSize: MAX_WAITING }, ({ body }) => line.send(body));
      },
    });
  }

  /** Hands the report over and returns at once; what becomes of it nobody hears. */
  send({ name, message, places, fingerprint, tags }: ErrorReport): void {
    const { Scope, defaultStackParser } = this.sentry;
    const frames = defaultStackParser(['Error', ...places.map((line) => `    ${line}`)].join('\n'));
    this.client.captureEvent(
      {
        level: 'error',
        fingerprint: [...fingerprint],
        tags: { ...tags, role: this.role, worker: workerName },
        exception: {
          values: [{ type: name, value: message, stacktrace: { frames: frames.map(withoutFolder) } }],
        },
      },
      {},
      // Of its own: nothing that another library left in the scopes of the process goes out.
      new Scope(),
    );
  }

  /** Waits at most so long for what is on its way, and gives up the rest. */
  async close(timeoutMs: number): Promise<void> {
    await this.client.close(timeoutMs);
    this.line?.close();
  }
}

function withoutFolder({ filename, function: name, module, lineno, colno, in_app }: StackFrame): StackFrame {
  const folder = `${process.cwd()}/`;
  return {
    ...(filename !== undefined && { filename: filename.replace(folder, 'app:///') }),
    ...(name !== undefined && { function: name }),
    ...(module !== undefined && { module }),
    ...(lineno !== undefined && { lineno }),
    ...(colno !== undefined && { colno }),
    ...(in_app !== undefined && { in_app }),
  };
}

function loaded(): Sentry {
  // Its build for import() would bring hooks into how Node loads every module.
  const load = createRequire(__filename);
  try {
    return load('@sentry/node') as Sentry;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') throw new SentryMissingError();
    throw error;
  }
}
