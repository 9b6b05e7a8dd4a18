import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { localPrincipal } from '../../platform/auth/principal';
import { masked } from '../../platform/auth/masked.decorator';
import { problem } from '../../platform/problems/problem-catalogue';
import { ValidationLogStore } from '../../workloads/validation/validation-log.store';
import { isFinished, type ValidationRun } from '../../workloads/validation/validation-run.store';
import { EventStream } from './event-stream';
import { RunSampler, type RunSample } from './run-sampler.service';
import { logView } from './validation-view';
import { Validations } from './validations.service';

const MAX_STREAMS = 200;
// A page that is open in many tabs; one key must not take the streams of all others.
const MAX_STREAMS_PER_KEY = 20;
const SNAPSHOT_LOGS = 100;

/** Whose run it has to be, and whether errors and logs are shown as they are. */
export interface Follower {
  readonly tenant: string;
  /** Who follows, for the share of the streams that one may have. */
  readonly id: string;
  readonly isMasked: boolean;
}

const secretMembers = ['errorMessage', 'message', 'logs.*.message'];

/** What one reader of a run has been told. */
interface Reader extends Pick<Follower, 'isMasked'> {
  readonly stream: EventStream;
  version: number;
  status: string;
  isEnding: boolean;
}

/** The event streams of this process: one snapshot, then every change, then the end. */
@Injectable()
export class RunEvents implements BeforeApplicationShutdown {
  private readonly streams = new Map<EventStream, string>();
  private isStopping = false;

  constructor(
    private readonly validations: Validations,
    private readonly logs: ValidationLogStore,
    private readonly sampler: RunSampler,
  ) {}

  /** Answers with a stream, or with 204 when the reader has already seen the end. */
  async open(
    id: string,
    { tenant, id: follower, isMasked }: Follower,
    lastEventId: string | undefined,
    reply: FastifyReply,
  ): Promise<void> {
    const run = await this.validations.require(id, tenant);
    if (isFinished(run.status) && lastEventId === String(run.version)) return void reply.status(204).send();
    const logs = await this.logs.list(run.id, { limit: SNAPSHOT_LOGS });
    if (this.isStopping) throw problem('shutting_down');
    this.refuseTooMany(tenant, follower);
    // Who left meanwhile would never be noticed to leave.
    if (reply.raw.destroyed) return;
    let unwatch = (): void => undefined;
    const stream = new EventStream(reply, () => {
      this.streams.delete(stream);
      unwatch();
    });
    this.streams.set(stream, `${tenant} ${follower}`);
    const snapshot = { ...this.validations.view(run), logs: logs.map(logView) };
    stream.send('snapshot', shown(snapshot, isMasked), placeOf(run));
    if (isFinished(run.status)) return finish(stream, run);
    const reader = { stream, isMasked, version: run.version, status: run.status, isEnding: false };
    unwatch = this.sampler.watch(run.id, logs.at(-1)?.id ?? 0, (sample) => this.tell(reader, sample));
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

  private tell(reader: Reader, { run, logs }: RunSample): void {
    const { stream, isMasked } = reader;
    logs.forEach((log) => stream.send('log', shown(logView(log), isMasked)));
    if (run === undefined) return finish(stream);
    if (run.version !== reader.version) {
      const event = run.status === reader.status ? 'progress' : 'state';
      stream.send(event, shown(this.validations.view(run), isMasked), placeOf(run));
      reader.version = run.version;
      reader.status = run.status;
    }
    if (!isFinished(run.status)) return;
    // The worker writes its last line after the run has ended: one more sample brings it.
    if (reader.isEnding) finish(stream, run);
    reader.isEnding = true;
  }
}

function shown<T>(event: T, isMasked: boolean): T {
  return isMasked ? masked(event, secretMembers) : event;
}

/** The last place is given out with `end` alone, so that whoever names it has seen everything. */
function placeOf({ status, version }: ValidationRun): number | undefined {
  return isFinished(status) ? undefined : version;
}

function finish(stream: EventStream, run?: ValidationRun): void {
  stream.send('end', { status: run?.status ?? 'deleted' }, run?.version);
  stream.end();
}
