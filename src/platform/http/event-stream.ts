import type { FastifyReply } from 'fastify';
import type { ServerResponse } from 'node:http';

export const EVENT_STREAM_TYPE = 'text/event-stream; charset=utf-8';

const HEARTBEAT_MS = 15_000;
const RECONNECT_MS = 2_000;
// A reader that is so far behind is cut off; it comes back and gets a snapshot.
const MAX_BUFFERED_BYTES = 256 * 1024;
const BEHIND_BYTES = 64 * 1024;

/** One open answer of server-sent events. */
export class EventStream {
  private readonly response: ServerResponse;
  private readonly heartbeat: NodeJS.Timeout;

  /** Takes the answer over; `onClose` is called once, whoever ends it. */
  constructor(reply: FastifyReply, onClose: () => void) {
    reply.hijack();
    this.response = reply.raw;
    this.response.writeHead(200, {
      ...headersOf(reply),
      'content-type': EVENT_STREAM_TYPE,
      'cache-control': 'no-store, no-transform',
      // Proxies such as nginx would otherwise collect events before they pass them on.
      'x-accel-buffering': 'no',
    });
    this.response.write(`retry: ${RECONNECT_MS}\n\n`);
    this.heartbeat = setInterval(() => this.write(': still here\n\n'), HEARTBEAT_MS);
    this.response.on('error', () => this.response.destroy());
    this.response.once('close', () => {
      clearInterval(this.heartbeat);
      onClose();
    });
  }

  /** An event without an id leaves the place at which a reader would resume. */
  send(event: string, data: object, id?: number): void {
    const place = id === undefined ? '' : `id: ${id}\n`;
    this.write(`event: ${event}\n${place}data: ${JSON.stringify(data)}\n\n`);
  }

  /** Whether what was sent waits for the reader, so that what can be sent later had better wait, too. */
  get isBehind(): boolean {
    return this.response.writableLength > BEHIND_BYTES;
  }

  end(): void {
    clearInterval(this.heartbeat);
    this.response.end();
  }

  private write(text: string): void {
    if (this.response.writableEnded || this.response.destroyed) return;
    if (this.response.writableLength > MAX_BUFFERED_BYTES) this.response.destroy();
    else this.response.write(text);
  }
}

function headersOf(reply: FastifyReply): Record<string, string | number | string[]> {
  const known = Object.entries(reply.getHeaders());
  return Object.fromEntries(
    known.filter((entry): entry is [string, string | number | string[]] => entry[1] !== undefined),
  );
}
