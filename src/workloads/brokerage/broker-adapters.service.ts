import { Injectable } from '@nestjs/common';
import { AlpacaAdapter } from '../../integrations/broker/alpaca-adapter';
import type { AdapterField, BrokerAdapter } from '../../integrations/broker/broker-adapter';
import { StatementAdapter } from './statement-adapter.service';

/** One wrong field of the settings or credentials of a connection. */
export interface AdapterFault {
  readonly pointer: string;
  readonly detail: string;
  readonly code: string;
}

type Texts = Readonly<Record<string, string>>;

/** Every kind of source that a connection can have. */
@Injectable()
export class BrokerAdapters {
  private readonly known: ReadonlyMap<string, BrokerAdapter>;

  constructor(alpaca: AlpacaAdapter, statement: StatementAdapter) {
    const all: readonly BrokerAdapter[] = [alpaca, statement];
    this.known = new Map(all.map((adapter): [string, BrokerAdapter] => [adapter.name, adapter]));
  }

  find(name: string): BrokerAdapter | undefined {
    return this.known.get(name);
  }

  names(): string[] {
    return [...this.known.keys()];
  }

  /** What is wrong with the settings and, where they are given, the credentials of a connection. */
  faults(name: string, settings: Texts, credentials?: Texts): AdapterFault[] {
    const adapter = this.find(name);
    if (adapter === undefined) {
      return [{ pointer: '#/adapter', detail: `must be one of ${this.names().join(', ')}`, code: 'isIn' }];
    }
    const together = adapter.faults?.(settings);
    return [
      ...faultsOf('settings', adapter.settings, settings),
      ...(together === undefined ? [] : [{ pointer: '#/settings', detail: together, code: 'invalid' }]),
      ...(credentials === undefined ? [] : faultsOf('credentials', adapter.credentials, credentials)),
    ];
  }
}

function faultsOf(at: string, fields: readonly AdapterField[], given: Texts): AdapterFault[] {
  const faults = fields.flatMap((field): AdapterFault[] => {
    const pointer = `#/${at}/${field.name}`;
    if (!Object.hasOwn(given, field.name)) {
      return field.isRequired ? [{ pointer, detail: 'is missing', code: 'required' }] : [];
    }
    const value: unknown = given[field.name];
    const detail = typeof value === 'string' ? field.fault(value) : 'must be a text';
    return detail === undefined ? [] : [{ pointer, detail, code: 'invalid' }];
  });
  const names = fields.map(({ name }) => name);
  const strange = Object.keys(given).filter((name) => !names.includes(name));
  return [
    ...faults,
    ...strange.slice(0, 10).map((name) => ({
      pointer: `#/${at}/${name.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`,
      detail: `does not exist; there are ${names.join(', ')}`,
      code: 'unknown_field',
    })),
  ];
}
