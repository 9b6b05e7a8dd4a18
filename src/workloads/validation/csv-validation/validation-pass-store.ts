import { Client, DatabaseError } from 'pg';
import {
  DatabaseUnavailableError,
  isDatabaseAway,
} from '../../../platform/database/database-unavailable.error';
import { CopyChannel, socketOf, type CopyMemory } from './validation-pass-copy';

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

/** The attempt's connections: one for the transaction that holds its result, a second one for the keys. */
export class AttemptStore {
  private readonly clients: Client[] = [];
  private main!: Client;
  private second: Client | undefined;

  constructor(
    private readonly connectionString: string,
    private readonly runId: string,
    private readonly attempt: number,
  ) {}

  /** Begins the transaction; throws StaleAttemptError when the run is not this attempt's any more. */
  async open(withKeys: boolean): Promise<void> {
    this.main = await this.connect();
    await this.ask(this.main, 'BEGIN');
    const { rowCount } = await this.ask(
      this.main,
      `SELECT 1 FROM validation_runs WHERE id = $1 AND attempt = $2 AND status = 'processing'`,
      [this.runId, this.attempt],
    );
    if (rowCount !== 1) throw new StaleAttemptError();
    if (!withKeys) return;
    this.second = await this.connect();
    // Room for the keys of a million rows before they go to a temporary file.
    await this.ask(this.second, `SET temp_buffers = '64MB'`);
    await this.ask(this.second, `SET work_mem = '64MB'`);
    await this.ask(this.second, 'BEGIN');
    await this.ask(
      this.second,
      'CREATE TEMP TABLE keys (row int4 NOT NULL, hash int4 NOT NULL, key bytea NOT NULL)',
    );
  }

  copyRows(place: CopyMemory): CopyChannel {
    return new CopyChannel(
      this.main,
      'COPY validation_rows (run_id, row_number, record) FROM STDIN WITH (FORMAT binary)',
      place,
    );
  }

  copyKeys(place: CopyMemory): CopyChannel {
    return new CopyChannel(this.second!, 'COPY keys (row, hash, key) FROM STDIN WITH (FORMAT binary)', place);
  }

  /**
   * Rows whose key an earlier row has, in the order of the file. `hashes` are those of all possible duplicates: only their
   * keys are compared; without them all keys are.
   */
  async *duplicates(hashes: number[] | undefined): AsyncGenerator<DuplicateKey[]> {
    const client = this.second!;
    await this.ask(
      client,
      `DECLARE duplicates NO SCROLL CURSOR FOR ${duplicatesQuery(hashes)}`,
      [],
      keysTimeoutMs,
    );
    for (;;) {
      const { rows } = await this.ask<DuplicateKey>(
        client,
        `FETCH ${duplicatesPerFetch} FROM duplicates`,
        [],
        keysTimeoutMs,
      );
      if (rows.length > 0) yield rows;
      if (rows.length < duplicatesPerFetch) return;
    }
  }

  async storeFindings(pieces: Iterable<Buffer>): Promise<void> {
    const channel = new CopyChannel(
      this.main,
      `COPY validation_findings (run_id, ordinal, row_number, line_number, column_name, rule, severity, message, value)
         FROM STDIN WITH (FORMAT binary)`,
      { memory: new Uint8Array(0), begin: 0, segmentBytes: 0, segments: 1 },
    );
    for (const piece of pieces) {
      while (!channel.canTake(piece.length)) await channel.free();
      channel.sendLarge(piece);
    }
    await channel.close();
  }

  /** Holds the run so that nobody can take it over any more; throws StaleAttemptError when somebody has. */
  async holdRun(): Promise<void> {
    const { rowCount } = await this.ask(
      this.main,
      `SELECT 1 FROM validation_runs WHERE id = $1 AND attempt = $2 AND status = 'processing' FOR UPDATE`,
      [this.runId, this.attempt],
    );
    if (rowCount !== 1) throw new StaleAttemptError();
  }

  async commit(result: AttemptResult): Promise<void> {
    const { rowCount } = await this.ask(
      this.main,
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
    await this.ask(this.main, 'COMMIT');
  }

  /** Drops the connections; whatever was not committed is gone. */
  close(): void {
    for (const client of this.clients) socketOf(client).destroy();
  }

  private async connect(): Promise<Client> {
    const client = new Client({
      connectionString: this.connectionString,
      application_name: 'holdfast-validation',
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
    });
    this.clients.push(client);
    // The failure reaches whoever waits for this connection; without a listener it would end the thread.
    client.on('error', () => undefined);
    await client.connect().catch((cause: unknown) => {
      throw cause instanceof DatabaseError
        ? cause
        : new DatabaseUnavailableError('The database cannot be reached.', { cause });
    });
    await this.ask(client, `SET lock_timeout = ${lockTimeoutMs}`);
    await this.ask(client, `SET idle_in_transaction_session_timeout = '10min'`);
    // The server notices within a second that this process is gone, even in the middle of a sort. Not on every system.
    await this.ask(client, `SET client_connection_check_interval = '1s'`).catch(() => undefined);
    return client;
  }

  private async ask<Row extends object = object>(
    client: Client,
    sql: string,
    values: unknown[] = [],
    timeoutMs = statementTimeoutMs,
  ): Promise<{ rows: Row[]; rowCount: number | null }> {
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
      return await Promise.race([
        values.length > 0 ? client.query<Row>(sql, values) : client.query<Row>(sql),
        silence,
      ]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function duplicatesQuery(hashes: number[] | undefined): string {
  const key = 'get_byte(key, 0) * 256 + get_byte(key, 1)';
  if (hashes === undefined) {
    return `WITH first AS (SELECT key, min(row) AS row FROM keys GROUP BY key HAVING count(*) > 1)
      SELECT keys.row, first.row AS "firstRow", ${key.replaceAll('(key', '(keys.key')} AS key
        FROM keys JOIN first ON keys.key = first.key AND keys.row > first.row
       ORDER BY keys.row, keys.key`;
  }
  return `SELECT row, "firstRow", ${key} AS key
      FROM (SELECT row, key, min(row) OVER (PARTITION BY key) AS "firstRow"
              FROM keys WHERE hash = ANY ('{${hashes.join(',')}}'::int4[])) AS candidates
     WHERE row > "firstRow" ORDER BY row, key`;
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
