import { Injectable } from '@nestjs/common';
import type { SecretPlace } from '../../platform/secrets/secret-box';
import { Secrets } from '../../platform/secrets/secrets.service';
import type { BrokerConnection } from './connection.store';

type Owner = Pick<BrokerConnection, 'id' | 'tenant'>;

/** Credentials of connections: sealed in the table, open only where a broker is called. */
@Injectable()
export class ConnectionCredentials {
  constructor(private readonly secrets: Secrets) {}

  /** Throws SecretKeysMissingError where there is no key. */
  seal(owner: Owner, credentials: Readonly<Record<string, string>>): string {
    return this.secrets.require().seal(JSON.stringify(credentials), placeOf(owner));
  }

  /** Throws SecretUnreadableError, or SecretKeysMissingError. */
  open(connection: Owner & Pick<BrokerConnection, 'credentials'>): Readonly<Record<string, string>> {
    const text = this.secrets.require().open(connection.credentials, placeOf(connection));
    return JSON.parse(text) as Record<string, string>;
  }
}

/** One row's own: sealed credentials that are copied into another row open nowhere. */
function placeOf({ id, tenant }: Owner): SecretPlace {
  return { tenant, type: 'broker-connection', field: `credentials of ${id}` };
}
