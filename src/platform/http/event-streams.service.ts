import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { localPrincipal, type Principal } from '../auth/principal';
import { problem } from '../problems/problem-catalogue';
import { EventStream } from './event-stream';

const MAX_STREAMS = 200;
// A page that is open in many tabs; one key must not take the streams of all others.
const MAX_STREAMS_PER_KEY = 20;

/** The open event streams of this process, whatever they tell: how many there may be, and their end at a shutdown. */
@Injectable()
export class EventStreams implements BeforeApplicationShutdown {
  private readonly streams = new Map<EventStream, string>();
  private isStopping = false;

  /**
   * Answers with a stream; `onClose` is called once, whoever ends it. Undefined where the reader has left meanwhile.
   * Throws `shutting_down`, `too_many_streams`, and `rate_limited` for a key that has its share.
   */
  open(
    reply: FastifyReply,
    { tenant, id }: Pick<Principal, 'tenant' | 'id'>,
    onClose: () => void,
  ): EventStream | undefined {
    if (this.isStopping) throw problem('shutting_down');
    this.refuseTooMany(tenant, id);
    // Who left meanwhile would never be noticed to leave.
    if (reply.raw.destroyed) return undefined;
    const stream = new EventStream(reply, () => {
      this.streams.delete(stream);
      onClose();
    });
    this.streams.set(stream, `${tenant} ${id}`);
    return stream;
  }

  // An open stream would keep the server from closing.
  beforeApplicationShutdown(): void {
    this.isStopping = true;
    [...this.streams.keys()].forEach((stream) => stream.end());
  }

  private refuseTooMany(tenant: string, follower: string): void {
    if (this.streams.size >= MAX_STREAMS) throw problem('too_many_streams');
    const own = [...this.streams.values()].filter((name) => name === `${tenant} ${follower}`).length;
    // Without keys everybody is one and the same.
    if (own < MAX_STREAMS_PER_KEY || follower === localPrincipal.id) return;
    const detail = `This key has ${own} event streams open here, and may have no more: close some.`;
    throw problem('rate_limited', { detail, headers: { 'Retry-After': '5' } });
  }
}
