import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { requestId } from '../logging/correlation';
import { problemAnswer } from '../problems/problem-answer';
import { problem, type ProblemCode } from '../problems/problem-catalogue';
import { bareSecurityHeaders } from './security-headers';

const codeOfParserError: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
};

/** Answers what Node could not even parse as a request, with the same body as every other error. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  answerOnSocket(socket, codeOfParserError[error.code ?? ''] ?? 'http_malformed');
}

/** Writes a problem straight to the socket and closes it; for a connection whose request will never be complete. */
export function answerOnSocket(socket: Socket, code: ProblemCode): void {
  if (socket.writable) {
    const id = requestId(undefined);
    const { status, headers, body } = problemAnswer(problem(code), { url: '/', id });
    const lines = Object.entries({
      ...bareSecurityHeaders,
      ...headers,
      'x-request-id': id,
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  }
  socket.destroySoon();
}
