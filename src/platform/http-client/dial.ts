import * as http from 'node:http';
import * as https from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import {
  OutboundConnectionError,
  OutboundError,
  OutboundRequestError,
  OutboundTimeoutError,
  ResponseUnreadableError,
} from './outbound-error';
import type { Hop } from './outbound-request';

/** What ends an exchange before its time: its own limit, or its caller. */
export interface Deadline {
  readonly timeoutMs: number;
  readonly timeout: AbortSignal;
  readonly caller?: AbortSignal;
}

interface DialOptions {
  readonly agent: http.Agent;
  readonly lookup: LookupFunction;
  readonly connectTimeoutMs: number;
  readonly deadline: Deadline;
}

const MAX_HEADER_BYTES = 16_384;
const distrust =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH$|ERR_TLS_CERT_|ERR_SSL_|EPROTO$)/;
const unreadable = /^(HPE_|Z_|ERR_BROTLI|ERR__ERROR_FORMAT|ERR_PADDING|ERR_INVALID_)/;

/** Sends one request and resolves with the head of its answer. Rejects with an {@link OutboundError}. */
export function dial(
  hop: Hop,
  { agent, lookup, connectTimeoutMs, deadline }: DialOptions,
): Promise<http.IncomingMessage> {
  const { url, method, headers, body } = hop;
  const { request } = url.protocol === 'https:' ? https : http;
  const signal =
    deadline.caller === undefined ? deadline.timeout : AbortSignal.any([deadline.timeout, deadline.caller]);
  const options = {
    method,
    headers: { ...headers, 'accept-encoding': 'gzip, br, deflate' },
    agent,
    lookup,
    signal,
    maxHeaderSize: MAX_HEADER_BYTES,
    insecureHTTPParser: false,
  };
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(outboundErrorOf(error, url.origin, deadline));
    try {
      const sent = request(url, options, resolve);
      sent.on('error', fail);
      // An upgrade that nobody asked for would otherwise keep the socket and never answer.
      sent.once('upgrade', (_answer, socket: Socket) => socket.destroy(protocolError()));
      sent.once('socket', (socket) => watchConnecting(socket, url, connectTimeoutMs));
      sent.end(body);
    } catch (error) {
      reject(requestErrorOf(error));
    }
  });
}

function watchConnecting(socket: Socket, { origin, protocol }: URL, connectTimeoutMs: number): void {
  const isLate = () => socket.destroy(new OutboundTimeoutError(origin, 'connect', connectTimeoutMs));
  const timer = setTimeout(isLate, connectTimeoutMs);
  const settle = () => clearTimeout(timer);
  socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', settle);
  socket.once('close', settle);
}

/** What an error of Node means; only its code is taken over, because the rest may quote the answer. */
export function outboundErrorOf(error: Error, origin: string, deadline: Deadline): Error {
  if (error instanceof OutboundError) return error;
  if (deadline.caller?.aborted === true) return callersReason(deadline.caller);
  if (deadline.timeout.aborted) return new OutboundTimeoutError(origin, 'total', deadline.timeoutMs);
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  if (unreadable.test(code)) return new ResponseUnreadableError(origin, `it is damaged (${code})`);
  return new OutboundConnectionError(origin, code, !distrust.test(code));
}

function callersReason({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error('The caller ended the request.');
}

function protocolError(): Error {
  return Object.assign(new Error('The answer is an upgrade.'), { code: 'HPE_UPGRADE' });
}

function requestErrorOf(error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  // A character that would end the header, or no header at all.
  return new OutboundRequestError(`The request cannot be sent as it is (${code ?? 'unknown'}).`);
}
