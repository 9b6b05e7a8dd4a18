import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { masked } from '../../platform/auth/masked.decorator';
import type { EventStream } from '../../platform/http/event-stream';
import { EventStreams } from '../../platform/http/event-streams.service';
import { ValidationLogStore } from '../../workloads/validation/validation-log.store';
import { isFinished, type ValidationRun } from '../../workloads/validation/validation-run.store';
import { RunSampler, type RunSample } from './run-sampler.service';
import { logView } from './validation-view';
import { Validations } from './validations.service';

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

/** The event streams of runs: one snapshot, then every change, then the end. */
@Injectable()
export class RunEvents {
  constructor(
    private readonly streams: EventStreams,
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
    let unwatch = (): void => undefined;
    const stream = this.streams.open(reply, { tenant, id: follower }, () => unwatch());
    if (stream === undefined) return;
    const snapshot = { ...this.validations.view(run), logs: logs.map(logView) };
    stream.send('snapshot', shown(snapshot, isMasked), placeOf(run));
    if (isFinished(run.status)) return finish(stream, run);
    const reader = { stream, isMasked, version: run.version, status: run.status, isEnding: false };
    unwatch = this.sampler.watch(run.id, logs.at(-1)?.id ?? 0, (sample) => this.tell(reader, sample));
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
