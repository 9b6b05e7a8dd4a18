import { Injectable } from '@nestjs/common';
import { Settings } from '../../config/settings';
import type { Principal } from '../../platform/auth/principal';
import { Database } from '../../platform/database/database.service';
import { problem } from '../../platform/problems/problem-catalogue';
import { SecretKeysMissingError } from '../../platform/secrets/secrets.service';
import { BrokerAdapters, type AdapterFault } from '../../workloads/brokerage/broker-adapters.service';
import { ConnectionCredentials } from '../../workloads/brokerage/connection-credentials.service';
import { ConnectionStore, type BrokerConnection } from '../../workloads/brokerage/connection.store';
import { newRowId } from '../../workloads/brokerage/row-id';
import { tagMatches } from '../../platform/http/entity-tag';
import { connectionTag, scheduleOf } from './connection-view';
import type { ChangeConnectionDto, CreateConnectionDto } from './connection.dto';

type Texts = Readonly<Record<string, string>>;

/** What callers may do with the accounts at brokers. */
@Injectable()
export class Connections {
  constructor(
    private readonly database: Database,
    private readonly store: ConnectionStore,
    private readonly adapters: BrokerAdapters,
    private readonly credentials: ConnectionCredentials,
    private readonly settings: Settings,
  ) {}

  /** Throws `connection_invalid`, `too_many_connections` or `secrets_unavailable`. */
  async create(body: CreateConnectionDto, { tenant, id: caller }: Principal): Promise<BrokerConnection> {
    this.database.assertReady();
    const { userId, name, adapter, settings = {}, credentials, schedule } = body;
    refuse(this.adapters.faults(adapter, settings, credentials));
    const owner = { id: newRowId(), tenant };
    const created = await this.store.create({
      ...owner,
      userId,
      name,
      adapter,
      settings: { ...settings },
      credentials: this.sealed(owner, credentials),
      schedule: scheduleOf(schedule),
      createdBy: caller,
    });
    if (created === undefined) {
      const most = this.settings.BROKER_CONNECTIONS_PER_TENANT;
      throw problem('too_many_connections', {
        detail: `A tenant may have ${most} connections (BROKER_CONNECTIONS_PER_TENANT).`,
      });
    }
    return created;
  }

  /** Throws `connection_not_found` for an id of no connection of the tenant, whatever it looks like. */
  async require(id: string, tenant: string): Promise<BrokerConnection> {
    this.database.assertReady();
    const found = await this.store.find(id, tenant);
    if (found === undefined) throw problem('connection_not_found');
    return found;
  }

  /** Throws `precondition_failed` when it was changed since the caller, or this request, has read it. */
  async change(
    id: string,
    tenant: string,
    body: ChangeConnectionDto,
    ifMatch: string | undefined,
  ): Promise<BrokerConnection> {
    const before = await this.require(id, tenant);
    assertMatches(before, ifMatch);
    const { name, settings, credentials, schedule, paused } = body;
    refuse(this.adapters.faults(before.adapter, settings ?? before.settings, credentials));
    if (settings !== undefined && credentials === undefined && !areEqual(settings, before.settings)) {
      const detail = 'must be sent again when the settings change: they say where the credentials go';
      refuse([{ pointer: '#/credentials', detail, code: 'required' }]);
    }
    const edited = await this.store.edit(before, {
      ...(name !== undefined && { name }),
      ...(settings !== undefined && { settings: { ...settings } }),
      ...(credentials !== undefined && { credentials: this.sealed(before, credentials) }),
      ...(schedule !== undefined && { schedule: scheduleOf(schedule) }),
      ...(paused !== undefined && { isPaused: paused }),
    });
    if (edited === undefined) throw problem('precondition_failed');
    return edited;
  }

  async remove(id: string, tenant: string, ifMatch: string | undefined): Promise<void> {
    const before = await this.require(id, tenant);
    assertMatches(before, ifMatch);
    await this.store.remove(before);
  }

  private sealed(owner: Pick<BrokerConnection, 'id' | 'tenant'>, credentials: Texts): string {
    try {
      return this.credentials.seal(owner, { ...credentials });
    } catch (error) {
      throw error instanceof SecretKeysMissingError ? problem('secrets_unavailable', {}, error) : error;
    }
  }
}

function assertMatches(connection: BrokerConnection, ifMatch: string | undefined): void {
  if (ifMatch !== undefined && !tagMatches(ifMatch, connectionTag(connection))) {
    throw problem('precondition_failed');
  }
}

function refuse(faults: readonly AdapterFault[]): void {
  if (faults.length > 0) throw problem('connection_invalid', { errors: faults });
}

function areEqual(one: Texts, other: Texts): boolean {
  const sorted = (texts: Texts) => JSON.stringify(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
  return sorted(one) === sorted(other);
}
