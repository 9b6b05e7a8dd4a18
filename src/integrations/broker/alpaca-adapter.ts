import { Injectable } from '@nestjs/common';
import { HttpClient, type OutboundResponse } from '../../platform/http-client/http-client.service';
import { alpacaActivity, alpacaId, alpacaPosition } from './alpaca-activity';
import type { BrokerPosition } from './broker-activity';
import {
  BrokerAnswerError,
  type ActivityPage,
  type ActivityPosition,
  type AdapterField,
  type BrokerAccount,
  type BrokerAdapter,
} from './broker-adapter';
import { brokerErrorOf } from './broker-http-error';
import { faultOfBrokerUrl } from './broker-url';

// The most that Alpaca gives at a time.
const PAGE_SIZE = 100;
// A page has some 40 kB; thousands of positions have a few MB.
const MAX_PAGE_BYTES = 1024 * 1024;
const MAX_POSITIONS_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
const environments: Readonly<Record<string, string>> = {
  live: 'https://api.alpaca.markets',
  paper: 'https://paper-api.alpaca.markets',
};

/** Alpaca's trading API: account activities and positions, as documented at https://docs.alpaca.markets. */
@Injectable()
export class AlpacaAdapter implements BrokerAdapter {
  readonly name = 'alpaca';

  readonly settings: readonly AdapterField[] = [
    {
      name: 'environment',
      isRequired: false,
      fault: (value) => (Object.hasOwn(environments, value) ? undefined : 'must be live or paper'),
    },
    { name: 'baseUrl', isRequired: false, fault: faultOfBrokerUrl },
  ];

  readonly credentials: readonly AdapterField[] = [
    { name: 'keyId', isRequired: true, fault: faultOfKey },
    { name: 'secretKey', isRequired: true, fault: faultOfKey },
  ];

  constructor(private readonly http: HttpClient) {}

  async *pages(
    account: BrokerAccount,
    { after, pageToken: first }: ActivityPosition,
    signal: AbortSignal,
  ): AsyncGenerator<ActivityPage> {
    let pageToken = first;
    do {
      const page = await this.page(account, { after, ...(pageToken !== undefined && { pageToken }) }, signal);
      yield page;
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  private async page(
    account: BrokerAccount,
    { after, pageToken }: ActivityPosition,
    signal: AbortSignal,
  ): Promise<ActivityPage> {
    const query = new URLSearchParams({ direction: 'asc', page_size: String(PAGE_SIZE) });
    if (after !== null) query.set('after', after);
    if (pageToken !== undefined) query.set('page_token', pageToken);
    const path = `/v2/account/activities?${query.toString()}`;
    const { body, headers } = await this.get(account, path, MAX_PAGE_BYTES, signal);
    const records = listOf(body, 'activities');
    const activities = records.flatMap((record) => alpacaActivity(record) ?? []);
    const clock = Date.parse(headers.date ?? '');
    const last = records.length === 0 ? undefined : alpacaId(records.at(-1));
    if (records.length > 0 && last === undefined) {
      throw new BrokerAnswerError('The last activity of a page of Alpaca has no id to go on from.');
    }
    // Going on from where the page began would never end.
    if (last !== undefined && last === pageToken) {
      throw new BrokerAnswerError('Alpaca has sent the page again that was there before.');
    }
    return {
      activities,
      // A page may be short although more follow: only an empty one is the end.
      ...(last !== undefined && { nextPageToken: last }),
      ...(Number.isFinite(clock) && { clock }),
      unreadable: records.length - activities.length,
    };
  }

  async positions(account: BrokerAccount, signal: AbortSignal): Promise<readonly BrokerPosition[]> {
    const { body } = await this.get(account, '/v2/positions', MAX_POSITIONS_BYTES, signal);
    const records = listOf(body, 'positions');
    const positions = records.flatMap((record) => alpacaPosition(record) ?? []);
    // One that is left out would be told as a difference that is none.
    if (positions.length < records.length) {
      throw new BrokerAnswerError(`${records.length - positions.length} positions of Alpaca cannot be read.`);
    }
    return positions;
  }

  private async get(
    { settings, credentials }: BrokerAccount,
    path: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<OutboundResponse<unknown>> {
    const base = settings['baseUrl'] ?? environments[settings['environment'] ?? 'paper'] ?? '';
    try {
      return await this.http.json({
        url: `${base.endsWith('/') ? base.slice(0, -1) : base}${path}`,
        headers: {
          accept: 'application/json',
          'apca-api-key-id': credentials['keyId'] ?? '',
          'apca-api-secret-key': credentials['secretKey'] ?? '',
        },
        timeoutMs: TIMEOUT_MS,
        maxBytes,
        // The keys belong to this address and no other.
        maxRedirects: 0,
        signal,
      });
    } catch (error) {
      throw brokerErrorOf(error, 'Alpaca');
    }
  }
}

function listOf(body: unknown, what: string): readonly unknown[] {
  if (Array.isArray(body)) return body;
  throw new BrokerAnswerError(`Alpaca has sent something else than a list of ${what}.`);
}

function faultOfKey(value: string): string | undefined {
  return /^[\x21-\x7e]{1,200}$/.test(value) ? undefined : 'must be 1 to 200 letters, digits or signs';
}
