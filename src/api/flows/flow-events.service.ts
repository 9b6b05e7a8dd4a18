import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Principal } from '../../platform/auth/principal';
import { isOver, type FlowStatus } from '../../platform/flows/flow-status';
import type { EventStream } from '../../platform/http/event-stream';
import { EventStreams } from '../../platform/http/event-streams.service';
import { FlowSampler } from './flow-sampler.service';
import { flowView } from './flow-view';
import type { FlowDto } from './flow.dto';
import { FlowsApi } from './flows-api.service';

/** What one reader of a flow has been told. */
interface Reader {
  readonly stream: EventStream;
  readonly viewer: Principal;
  told: string;
  states: string;
}

/** The event streams of flows: one snapshot, then every change, then the end. */
@Injectable()
export class FlowEvents {
  constructor(
    private readonly streams: EventStreams,
    private readonly flows: FlowsApi,
    private readonly sampler: FlowSampler,
  ) {}

  /** Answers with a stream, or with 204 when the reader has already seen the end. */
  async open(
    idOrKey: string,
    viewer: Principal,
    lastEventId: string | undefined,
    reply: FastifyReply,
  ): Promise<void> {
    const flow = await this.flows.require(idOrKey, viewer.tenant);
    if (isOver(flow) && lastEventId === String(endOf(flow))) return void reply.status(204).send();
    let unwatch = (): void => undefined;
    const stream = this.streams.open(reply, viewer, () => unwatch());
    if (stream === undefined) return;
    const view = flowView(flow, viewer);
    stream.send('snapshot', view);
    if (isOver(flow)) return finish(stream, flow);
    const reader = { stream, viewer, told: JSON.stringify(view), states: statesOf(view) };
    unwatch = this.sampler.watch(flow.id, viewer.tenant, (sample) => tell(reader, sample));
  }
}

function tell(reader: Reader, flow: FlowStatus | undefined): void {
  if (flow === undefined) return finish(reader.stream);
  const view = flowView(flow, reader.viewer);
  const text = JSON.stringify(view);
  if (text !== reader.told) {
    const states = statesOf(view);
    reader.stream.send(states === reader.states ? 'progress' : 'state', view);
    reader.told = text;
    reader.states = states;
  }
  if (isOver(flow)) finish(reader.stream, flow);
}

/** The place is given out with `end` alone, so that whoever names it has seen everything. */
function finish(stream: EventStream, flow?: FlowStatus): void {
  stream.send('end', { state: flow?.state ?? 'removed' }, flow === undefined ? undefined : endOf(flow));
  stream.end();
}

function endOf({ finishedAt, createdAt }: FlowStatus): number {
  return finishedAt ?? createdAt;
}

function statesOf({ state, root }: FlowDto): string {
  const states = (job: FlowDto['root']): string[] => [job.state, ...job.children.flatMap(states)];
  return [state, ...states(root)].join(' ');
}
