import { Injectable } from '@nestjs/common';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { BrokerActivity } from '../../integrations/broker/broker-activity';
import {
  BrokerRefusedError,
  type ActivityPage,
  type AdapterField,
  type BrokerAccount,
  type BrokerAdapter,
} from '../../integrations/broker/broker-adapter';
import { brokerErrorOf } from '../../integrations/broker/broker-http-error';
import { faultOfStatementUrl } from '../../integrations/broker/broker-url';
import { UnreadableFileError } from '../../integrations/csv/unreadable-file';
import { ofxSymbols, ofxTransactions } from '../../integrations/ofx/ofx-statement';
import { looksLikeOfx, OfxUnreadableError } from '../../integrations/ofx/ofx-tokens';
import { Settings } from '../../config/settings';
import { blobOf, Files } from '../../platform/files/files.service';
import { HttpClient } from '../../platform/http-client/http-client.service';
import { FileStorage } from '../../platform/storage/file-storage.service';
import { ofxActivity } from './ofx-activity';
import { isTimeZone } from '../../platform/schedules/cron-turns';
import { TradeFile, type TradeFileOptions } from './trade-file';

const PAGE_ROWS = 1_000;
const TIMEOUT_MS = 300_000;
const oneOf =
  (...values: string[]) =>
  (value: string) =>
    values.includes(value) ? undefined : `must be ${values.join(' or ')}`;

interface LocalStatement {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * Statements of any broker, as CSV or OFX (1 and 2), from an address or from a file of /api/files. A statement is read
 * as a whole each time: what is known already changes nothing. It tells no positions to compare with.
 */
@Injectable()
export class StatementAdapter implements BrokerAdapter {
  readonly name = 'statement';

  readonly settings: readonly AdapterField[] = [
    { name: 'url', isRequired: false, fault: faultOfStatementUrl },
    {
      name: 'fileId',
      isRequired: false,
      fault: (value) =>
        /^file_[\w-]{22}$/.test(value) ? undefined : 'must be the id of a file of /api/files',
    },
    { name: 'dateOrder', isRequired: false, fault: oneOf('MDY', 'DMY') },
    { name: 'decimalSeparator', isRequired: false, fault: oneOf('.', ',') },
    {
      name: 'timeZone',
      isRequired: false,
      fault: (value) => (isTimeZone(value) ? undefined : 'must be the name of a time zone'),
    },
    {
      name: 'currency',
      isRequired: false,
      fault: (value) => (/^[A-Z]{3,10}$/.test(value) ? undefined : 'must be the code of a currency'),
    },
  ];

  readonly credentials: readonly AdapterField[] = [
    {
      name: 'authorization',
      isRequired: false,
      fault: (value) =>
        /^[\x20-\x7e]{1,1000}$/.test(value) ? undefined : 'must be plain text, as of a header',
    },
  ];

  constructor(
    private readonly http: HttpClient,
    private readonly files: Files,
    private readonly storage: FileStorage,
    private readonly config: Settings,
  ) {}

  faults({ url, fileId }: Readonly<Record<string, string>>): string | undefined {
    return (url === undefined) === (fileId === undefined) ? 'must name one of url and fileId' : undefined;
  }

  async *pages(account: BrokerAccount, _from: unknown, signal: AbortSignal): AsyncGenerator<ActivityPage> {
    const statement = await this.fetch(account, signal);
    try {
      const isOfx = await beginsLikeOfx(statement.path);
      yield* isOfx ? ofxPages(statement.path, signal) : csvPages(statement.path, account.settings);
    } catch (error) {
      const isOfFile = error instanceof UnreadableFileError || error instanceof OfxUnreadableError;
      throw isOfFile ? new BrokerRefusedError(error.message, false) : error;
    } finally {
      await statement.release();
    }
  }

  async positions(): Promise<undefined> {
    return undefined;
  }

  private async fetch(
    { settings, credentials, tenant }: BrokerAccount,
    signal: AbortSignal,
  ): Promise<LocalStatement> {
    const { url, fileId } = settings;
    if (url !== undefined) return this.download(url, credentials['authorization'], signal);
    const record = await this.files.find(fileId ?? '', tenant);
    if (record === undefined) {
      throw new BrokerRefusedError(
        `There is no file ${fileId}: upload it, and name it in the settings.`,
        false,
      );
    }
    return this.storage.localCopy(blobOf(record));
  }

  private async download(
    url: string,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<LocalStatement> {
    // What a killed process leaves here goes with the old temporary files.
    const root = this.config.cleanupTempRoot;
    await mkdir(root, { recursive: true, mode: 0o700 });
    const folder = await mkdtemp(join(root, 'statement-'));
    const release = () => rm(folder, { recursive: true, force: true });
    try {
      const { body } = await this.http.stream({
        url,
        ...(authorization !== undefined && { headers: { authorization } }),
        timeoutMs: TIMEOUT_MS,
        maxBytes: this.config.FILE_MAX_BYTES,
        signal,
      });
      const path = join(folder, 'statement');
      await pipeline(body, createWriteStream(path, { mode: 0o600 }));
      return { path, release };
    } catch (error) {
      await release();
      throw brokerErrorOf(error, 'The address of the statement');
    }
  }
}

async function* csvPages(path: string, options: TradeFileOptions): AsyncGenerator<ActivityPage> {
  const file = await TradeFile.open(path, options);
  try {
    for (let isOver = false; !isOver;) {
      const activities: BrokerActivity[] = [];
      let unreadable = 0;
      for (let count = 0; count < PAGE_ROWS; count += 1) {
        const row = file.next();
        isOver = row === undefined;
        if (row === undefined) break;
        if (row.trade === undefined) unreadable += 1;
        else activities.push(row.trade);
      }
      yield { activities, unreadable };
    }
  } finally {
    file.close();
  }
}

async function* ofxPages(path: string, signal: AbortSignal): AsyncGenerator<ActivityPage> {
  const symbols = await ofxSymbols(path, signal);
  let activities: BrokerActivity[] = [];
  let unreadable = 0;
  for await (const transaction of ofxTransactions(path, signal)) {
    const activity = ofxActivity(transaction, symbols);
    if (activity === undefined) unreadable += 1;
    else activities.push(activity);
    if (activities.length < PAGE_ROWS) continue;
    yield { activities, unreadable };
    activities = [];
    unreadable = 0;
  }
  yield { activities, unreadable };
}

async function beginsLikeOfx(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1_024), 0, 1_024, 0);
    return looksLikeOfx(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}
