import { randomUUID } from 'node:crypto';
import { utimes, writeFile } from 'node:fs/promises';
import { sql } from 'drizzle-orm';
import { Database } from '../../../src/platform/database/database.service';
import { FileStorage } from '../../../src/platform/storage/file-storage.service';
import type { StoredFile } from '../../../src/platform/storage/stored-file';
import { newRunId } from '../../../src/workloads/validation/run-id';
import { ValidationCleaner } from '../../../src/workloads/validation/validation-cleaner.service';
import { REPORTS, reportOf, UPLOADS, uploadOf } from '../../../src/workloads/validation/validation-files';
import {
  validationRemovals,
  validationRows,
  validationRuns,
} from '../../../src/workloads/validation/validation.tables';
import { startTestServer, type TestServer } from '../../support/server';

describe('what validation runs leave behind', () => {
  let server: TestServer;
  let database: Database;
  let storage: FileStorage;
  let cleaner: ValidationCleaner;

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'api' });
    database = server.app.get(Database);
    storage = server.app.get(FileStorage);
    cleaner = server.app.get(ValidationCleaner, { strict: false });
  });

  afterAll(() => server.close());

  const put = async (file: StoredFile) => {
    const path = (await storage.localCopy(file)).path;
    await writeFile(path, 'x');
    await utimes(path, 0, 0);
    return file;
  };

  const insert = async (status: 'completed' | 'failed' | 'processing' | 'cancelled') => {
    const run = { id: newRunId(), tenant: 'default', fileId: randomUUID(), attempt: 2 };
    await database.query.insert(validationRuns).values({ ...run, fileName: 'a.csv', status });
    return run;
  };

  it('loses files that no run needs, and keeps all others', async () => {
    const [completed, failed, processing, cancelled] = [
      await insert('completed'),
      await insert('failed'),
      await insert('processing'),
      await insert('cancelled'),
    ];
    const kept = [
      await put(uploadOf(failed)),
      await put(uploadOf(processing)),
      await put(reportOf(completed)),
      await put(reportOf(processing)),
    ];
    const lost = [
      await put(uploadOf(completed)),
      await put(uploadOf(cancelled)),
      await put(reportOf(failed)),
      await put(reportOf({ ...completed, attempt: 1 })),
      await put({ purpose: UPLOADS, tenant: 'default', name: `${randomUUID()}.csv` }),
      await put({ purpose: UPLOADS, tenant: 'default', name: `${failed.fileId}.csv.part` }),
      await put({ purpose: REPORTS, tenant: 'default', name: 'nonsense' }),
    ];
    const young = uploadOf({ tenant: 'default', fileId: randomUUID() });
    await writeFile((await storage.localCopy(young)).path, 'x');
    expect(await cleaner.removeOrphanedFiles()).toBe(lost.length);
    for (const file of [...kept, young]) expect([file, await storage.has(file)]).toEqual([file, true]);
    for (const file of lost) expect([file, await storage.has(file)]).toEqual([file, false]);
  });

  it('loses the rows of a deleted run and no others', async () => {
    const [gone, other] = [newRunId(), newRunId()];
    for (const id of [gone, other, gone]) {
      await database.query.execute(
        sql`INSERT INTO ${validationRows} SELECT ${id}::uuid, n, repeat('x', 400) FROM generate_series(1, 60000) n`,
      );
    }
    await database.query.insert(validationRemovals).values({ runId: gone });
    await cleaner.removeRows();
    const { rows } = await database.query.execute(
      sql`SELECT run_id, count(*)::int AS n FROM ${validationRows} GROUP BY run_id`,
    );
    expect(rows).toEqual([{ run_id: other, n: 60_000 }]);
    expect(await database.query.select().from(validationRemovals)).toEqual([]);
  });
});
