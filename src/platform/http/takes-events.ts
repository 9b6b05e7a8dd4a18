import type { FastifyReply } from 'fastify';
import { problem } from '../problems/problem-catalogue';
import { EVENT_STREAM_TYPE } from './event-stream';

const streams = /text\/event-stream|text\/\*|\*\/\*/i;

/** Throws `not_acceptable` for a caller whose Accept header has no place for events. */
export function assertTakesEvents(accept: string | undefined): void {
  if (accept !== undefined && !streams.test(accept)) throw problem('not_acceptable');
}

/** Answers HEAD as a stream would begin, and opens none. */
export function answerHeadOfEvents(reply: FastifyReply): void {
  void reply.type(EVENT_STREAM_TYPE).send();
}
