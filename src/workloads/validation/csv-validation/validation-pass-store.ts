import { Client, DatabaseError, type QueryResult } from 'pg';
import {
  DatabaseUnavailableError,
  isDatabaseAway,
} from '../../../platform/database/database-unavailable.error';
import { CopyChannel, socketOf, type CopyMemory } from './validation-pass-copy';
import type { KeyOfRow } from './validation-pass-keys';

/** A newer attempt owns the run, or somebody has ended it: nothing of this attempt is kept. */
export class StaleAttemptError extends Error {
  override name = 'StaleAttemptError';

  constructor() {
    super('Another attempt has taken the run over, or the run was ended; nothing of this attempt is kept.');
  }
}

/** The database refused something for a reason of its own; the message holds no value, only the SQLSTATE. */
export class ValidationStoreError extends Error {
  override name = 'ValidationStoreError';

  constructor(readonly code: string) {
    super(`The database refused the results of a validation (SQLSTATE ${code}).`);
  }
}

/** The row that a key's finding belongs to, the row that had the key first, and which key it is. */
export interface DuplicateKey {
  row: number;
  firstRow: number;
  key: number;
}

/** What a completed attempt writes into its run. */
export interface AttemptResult {
  rows: { read: number; valid: number; invalid: number };
  findingsStored: number;
  findings: number;
  summary: unknown;
  dialect: unknown;
  columns: string[];
  reportBytes: number;
}

const connectTimeoutMs = 10_000;
const statementTimeoutMs = 60_000;
// Sorting the keys of tens of millions of rows takes minutes on a slow disk.
const keysTimeoutMs = 1_800_000;
const lockTimeoutMs = 10_000;
const duplicatesPerFetch = 5_000;

/** The attempt's connection and the one transaction that holds its result. */
export class AttemptStore {
  private client: Client | undefined;

  constructor(
    private readonly connectionString: string,
    private readonly runId: string,
    private readonly attempt: number,
  ) {}

  /** Begins the transaction; throws StaleAttemptError when the run is not this attempt's any more. */
  async open(): Promise<void> {
    await this.connect();
    await this.ask('BEGIN');
    const { rowCount } = await this.ask(
      `SELECT 1 FROM validation_runs WHERE id = $1 AND attempt = $2 AND status = 'processing'`,
      [this.runId, this.attempt],
    );
    if (rowCount !== 1) throw new StaleAttemptError();
  }

  copyRows(place: CopyMemory): CopyChannel {
    return new CopyChannel(
      this.client!,
      'COPY validation_rows (run_id, row_number, record) FROM STDIN WITH (FORMAT binary)',
      place,
    );
  }

  /** Rows of which an earlier one has the same key, in the order of the file; `keys` come in the order of their rows. */
  async *duplicates(keys: Iterable<KeyOfRow>): AsyncGenerator<DuplicateKey[]> {
    await this.ask(`SET LOCAL work_mem = '64MB'`);
    await this.ask(
      'CREATE TEMP TABLE validation_keys (row int4 NOT NULL, key bytea NOT NULL) ON COMMIT DROP',
    );
    await this.send('COPY validation_keys (row, key) FROM STDIN WITH (FORMAT binary)', keyTuples(keys));
    await this.ask(`DECLARE duplicates NO SCROLL CURSOR FOR ${duplicatesQuery}`, [], keysTimeoutMs);
    for (;;) {
      const { rows } = await this.ask(`FETCH ${duplicatesPerFetch} FROM duplicates`, [], keysTimeoutMs);
      if (rows.length > 0) yield rows as DuplicateKey[];
      if (rows.length < duplicatesPerFetch) return;
    }
  }

  async storeFindings(pieces: Iterable<Buffer>): Promise<void> {
    await this.send(
      `COPY validation_findings (run_id, ordinal, row_number, line_number, column_name, rule, severity, message, value)
         FROM STDIN WITH (FORMAT binary)`,
      pieces,
    );
  }

  /** Holds the run so that nobody can take it over any more; throws StaleAttemptError when somebody has. */
  async holdRun(): Promise<void> {
    const { rowCount } = await this.ask(
      `SELECT 1 FROM validation_runs WHERE id = $1 AND attempt = $2 AND status = 'processing' FOR UPDATE`,
      [this.runId, this.attempt],
    );
    if (rowCount !== 1) throw new StaleAttemptError();
  }

  async commit(result: AttemptResult): Promise<void> {
    const { rowCount } = await this.ask(
      `UPDATE validation_runs
          SET status = 'completed', stage = 'results', progress = 100, rows_read = $3, rows_valid = $4, rows_invalid = $5,
              findings_stored = $6, findings_so_far = $7, summary = $8, dialect = $9, columns = $10, report_bytes = $11,
              error_message = NULL, version = version + 1, updated_at = now(), finished_at = clock_timestamp()
        WHERE id = $1 AND attempt = $2 AND status = 'processing'`,
      [
        this.runId,
        this.attempt,
        result.rows.read,
        result.rows.valid,
        result.rows.invalid,
        result.findingsStored,
        result.findings,
        JSON.stringify(result.summary),
        JSON.stringify(result.dialect),
        JSON.stringify(result.columns),
        result.reportBytes,
      ],
    );
    if (rowCount !== 1) throw new StaleAttemptError();
    await this.ask('COMMIT');
  }

  /** Drops the connections; whatever was not committed is gone. */
  close(): void {
    if (this.client !== undefined) socketOf(this.client).destroy();
  }

  private async connect(): Promise<void> {
    const client = new Client({
      connectionString: this.connectionString,
      application_name: 'holdfast-validation',
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
    });
    this.client = client;
    // The failure reaches whoever waits for this connection; without a listener it would end the thread.
    client.on('error', () => undefined);
    await client.connect().catch((cause: unknown) => {
      throw cause instanceof DatabaseError
        ? cause
        : new DatabaseUnavailableError('The database cannot be reached.', { cause });
    });
    await this.ask(`SET lock_timeout = ${lockTimeoutMs}`);
    await this.ask(`SET idle_in_transaction_session_timeout = '10min'`);
    // The server notices within a second that this process is gone, even in the middle of a sort. Not on every system.
    await this.ask(`SET client_connection_check_interval = '1s'`).catch(() => undefined);
  }

  private async send(statement: string, pieces: Iterable<Buffer>): Promise<void> {
    const place = { memory: new Uint8Array(0), begin: 0, segmentBytes: 0, segments: 1 };
    const channel = new CopyChannel(this.client!, statement, place);
    for (const piece of pieces) {
      while (!channel.canTake(piece.length)) await channel.free();
      channel.sendLarge(piece);
    }
    await channel.close();
  }

  private async ask(
    sql: string,
    values: unknown[] = [],
    timeoutMs = statementTimeoutMs,
  ): Promise<QueryResult> {
    const client = this.client!;
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        // The connection is of no use any more; its query would wait for ever.
        socketOf(client).destroy();
        reject(
          new DatabaseUnavailableError(`The database did not answer within ${timeoutMs / 1000} seconds.`),
        );
      }, timeoutMs);
    });
    try {
      return await Promise.race([values.length > 0 ? client.query(sql, values) : client.query(sql), silence]);
    } finally {
      clearTimeout(timer);
    }
  }
}

// Window functions would sort every key; most of those that come here are alone or in pairs.
const duplicatesQuery = `
  WITH first AS (SELECT key, min(row) AS row FROM validation_keys GROUP BY key HAVING count(*) > 1)
  SELECT later.row, first.row AS "firstRow", get_byte(later.key, 0) * 256 + get_byte(later.key, 1) AS key
    FROM validation_keys AS later JOIN first ON later.key = first.key AND later.row > first.row
   ORDER BY later.row, later.key`;

const pieceBytes = 64 * 1024;

function* keyTuples(keys: Iterable<KeyOfRow>): Generator<Buffer> {
  let piece = Buffer.allocUnsafe(pieceBytes);
  let at = 0;
  for (const { row, key } of keys) {
    if (at + 14 + key.length > piece.length) {
      yield piece.subarray(0, at);
      piece = Buffer.allocUnsafe(pieceBytes);
      at = 0;
    }
    at = piece.writeInt16BE(2, at);
    at = piece.writeInt32BE(4, at);
    at = piece.writeInt32BE(row, at);
    at = piece.writeInt32BE(key.length, at);
    piece.set(key, at);
    at += key.length;
  }
  if (at > 0) yield piece.subarray(0, at);
}

const lostSocketCodes = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_DESTROYED']);

/** What may leave this thread of a database's error: PostgreSQL likes to quote the value it refuses. */
export function withoutValues(error: unknown): unknown {
  if (error instanceof DatabaseError && !isDatabaseAway(error))
    return new ValidationStoreError(error.code ?? 'unknown');
  const isLost = isDatabaseAway(error) || lostSocketCodes.has((error as NodeJS.ErrnoException).code ?? '');
  if (isLost && !(error instanceof DatabaseUnavailableError)) {
    return new DatabaseUnavailableError('The database went away during the validation.');
  }
  return error;
}
