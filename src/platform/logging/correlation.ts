import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/** What every log line of one request or one job carries. */
export interface LogContext {
  readonly correlationId: string;
  readonly jobId?: string;
  readonly queue?: string;
  /** What no line may show, in all forms. */
  readonly secrets?: readonly string[];
}

const storage = new AsyncLocalStorage<LogContext>();

/** Runs the function so that each log line and each job added inside carries the context. */
export function withLogContext<T>(context: LogContext, run: () => T): T {
  return storage.run(context, run);
}

/** Gives the rest of the current asynchronous flow this context; for hooks that cannot wrap what follows. */
export function enterLogContext(context: LogContext): void {
  storage.enterWith(context);
}

export function logContext(): LogContext | undefined {
  return storage.getStore();
}

/** From now on nothing that is said in this context shows these texts. */
export function hideInContext(secrets: readonly string[]): void {
  const context: { secrets?: readonly string[] } | undefined = storage.getStore();
  if (context === undefined) return;
  context.secrets = [...(context.secrets ?? []), ...secrets];
}

const nothing: readonly string[] = [];

export function secretsInContext(): readonly string[] {
  return storage.getStore()?.secrets ?? nothing;
}

/** The id that follows a request into its jobs; a fresh one outside any request. */
export function correlationId(): string {
  return storage.getStore()?.correlationId ?? randomUUID();
}

const acceptable = /^[A-Za-z0-9._-]{1,64}$/;

/** The caller's `x-correlation-id` or `x-request-id` when it is harmless to log, else a fresh id. */
export function requestId(header: string | string[] | undefined): string {
  return typeof header === 'string' && acceptable.test(header) ? header : randomUUID();
}
