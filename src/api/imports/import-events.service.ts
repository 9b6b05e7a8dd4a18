import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { masked } from '../../platform/auth/masked.decorator';
import { Database } from '../../platform/database/database.service';
import type { EventStream } from '../../platform/http/event-stream';
import { EventStreams } from '../../platform/http/event-streams.service';
import { Sampler, type Watched } from '../../platform/http/sampler';
import { ImportOverviews, type Import } from '../../workloads/feeds/import-overview.store';
import { importView, isImportOver, statusOf } from './import-view';
import { Imports } from './imports.service';

/** Whose import it has to be, and whether errors are shown as they are. */
export interface ImportFollower {
  readonly tenant: string;
  /** For the share of the streams that one may have. */
  readonly id: string;
  readonly isMasked: boolean;
}

type Listener = (one: Import | undefined) => void;

const secretMembers = ['sources.*.error', 'sources.*.broken'];

/** The event streams of imports: one snapshot, then every change, then the end. */
@Injectable()
export class ImportEvents extends Sampler<{ readonly id: string }, Listener> {
  constructor(
    database: Database,
    private readonly streams: EventStreams,
    private readonly imports: Imports,
    private readonly overviews: ImportOverviews,
  ) {
    super(database);
  }

  /** Answers with a stream, or with 204 when the reader has already seen the end. */
  async open(
    id: string,
    follower: ImportFollower,
    lastEventId: string | undefined,
    reply: FastifyReply,
  ): Promise<void> {
    const found = await this.imports.require(id, follower.tenant);
    if (isImportOver(found) && lastEventId === String(found.version)) return void reply.status(204).send();
    let unwatch = (): void => undefined;
    const stream = this.streams.open(reply, follower, () => unwatch());
    if (stream === undefined) return;
    stream.send('snapshot', shown(found, follower), placeOf(found));
    if (isImportOver(found)) return finish(stream, found);
    let [version, status] = [found.version, statusOf(found)];
    unwatch = this.join(
      id,
      (known) => known ?? { id },
      (one) => {
        if (one === undefined) return finish(stream);
        if (one.version !== version) {
          stream.send(statusOf(one) === status ? 'progress' : 'state', shown(one, follower), placeOf(one));
          [version, status] = [one.version, statusOf(one)];
        }
        if (isImportOver(one)) finish(stream, one);
      },
    );
  }

  protected async sample(watched: readonly Watched<{ readonly id: string }, Listener>[]): Promise<void> {
    const found = await this.overviews.findMany(watched.map(({ entry }) => entry.id));
    for (const { entry, listeners } of watched) {
      const one = found.find(({ id }) => id === entry.id);
      listeners.forEach((listener) => listener(one));
    }
  }
}

function shown(one: Import, { isMasked }: ImportFollower): object {
  const view = importView(one);
  return isMasked ? masked(view, secretMembers) : view;
}

/** The last place is given out with `end` alone, so that whoever names it has seen everything. */
function placeOf(one: Import): number | undefined {
  return isImportOver(one) ? undefined : one.version;
}

function finish(stream: EventStream, one?: Import): void {
  stream.send('end', { status: one === undefined ? 'deleted' : statusOf(one) }, one?.version);
  stream.end();
}
