import {
  OutboundError,
  ResponseUnreadableError,
  UpstreamStatusError,
} from '../../platform/http-client/outbound-error';
import { BrokerRefusedError, BrokerThrottledError } from './broker-adapter';

const DEFAULT_WAIT_MS = 60_000;
const refusals = new Map([
  [400, 'the request'],
  [401, 'the key'],
  [403, 'the key'],
  [404, 'the address'],
  [410, 'the address'],
  [422, 'the request'],
]);

/** What a failed exchange with a source means: a wait, a refusal for good, or itself. */
export function brokerErrorOf(error: unknown, source: string): unknown {
  if (!(error instanceof OutboundError)) return error;
  if (!(error instanceof UpstreamStatusError)) {
    // Half an answer says nothing about the next one.
    const mayPass = error.isRetryable || error instanceof ResponseUnreadableError;
    return mayPass ? error : new BrokerRefusedError(error.message, false);
  }
  const { status, retryAfterMs } = error;
  if (status === 429) {
    return new BrokerThrottledError(
      `${source} answers 429: too many requests.`,
      retryAfterMs ?? DEFAULT_WAIT_MS,
    );
  }
  const refused = refusals.get(status);
  if (refused === undefined) return error;
  const isAboutCredentials = refused === 'the key';
  const advice = isAboutCredentials ? ': store the right one in the connection' : '';
  return new BrokerRefusedError(`${source} refuses ${refused} (${status})${advice}.`, isAboutCredentials);
}
