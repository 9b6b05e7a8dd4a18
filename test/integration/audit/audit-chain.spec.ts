import { sql, type SQL } from 'drizzle-orm';
import { Test, type TestingModule } from '@nestjs/testing';
import { readSettings } from '../../../src/config/read-settings';
import { SettingsModule } from '../../../src/config/settings.module';
import { verifyChain } from '../../../src/platform/audit/audit-chain';
import type { AuditEntry } from '../../../src/platform/audit/audit-entry';
import { AuditLog } from '../../../src/platform/audit/audit-log.service';
import { AuditModule, auditMigrations } from '../../../src/platform/audit/audit.module';
import { AuditSpool } from '../../../src/platform/audit/audit-spool.service';
import { DatabaseModule } from '../../../src/platform/database/database.module';
import { Database } from '../../../src/platform/database/database.service';
import { LeaderModule } from '../../../src/platform/leader/leader.module';
import { platformKey } from '../../../src/platform/redis/key-space';
import { RedisConnections } from '../../../src/platform/redis/redis-connections.service';
import { RedisModule } from '../../../src/platform/redis/redis.module';
import { eventually } from '../../support/eventually';
import { PostgresProcess } from '../../support/postgres-process';
import { randomPrefix } from '../../support/queue-app';

const entry = (target: string, at = Date.now()): AuditEntry => ({
  at,
  tenant: 'default',
  actor: 'tester',
  role: 'admin',
  origin: 'api',
  action: 'keys.revoke',
  target,
  reason: 'of a test "with quotes" \u{1F600}\0',
  detail: JSON.stringify({ before: { role: 'admin' } }),
  outcome: 'done',
  status: 200,
  requestId: `request ${target}`,
});

describe('the audit', () => {
  let postgres: PostgresProcess;
  let app: TestingModule;
  let log: AuditLog;
  let spool: AuditSpool;
  const settings = () =>
    readSettings({
      NODE_ENV: 'test',
      REDIS_URL: process.env['TEST_REDIS_URL'],
      REDIS_PREFIX: prefix,
      DATABASE_URL: postgres.url,
    });
  const prefix = randomPrefix();

  beforeAll(async () => {
    postgres = await PostgresProcess.start();
    const imports = [SettingsModule.forRoot(settings()), RedisModule, LeaderModule];
    app = await Test.createTestingModule({
      imports: [...imports, DatabaseModule.forRoot([auditMigrations]), AuditModule],
    }).compile();
    await app.init();
    await app.get(RedisConnections).waitUntilReady(5_000);
    log = app.get(AuditLog);
    spool = app.get(AuditSpool);
  }, 60_000);

  afterAll(async () => {
    const redis = app.get(RedisConnections).producer;
    const names = ['audit:spool', 'audit:head', 'leader:audit'].map((name) => platformKey(settings(), name));
    await redis.del(...names);
    await app.close();
    await postgres.remove();
  });

  const run = (statement: SQL) => app.get(Database).query.execute(statement);
  const verify = async () =>
    verifyChain(
      (after) => log.list({}, { limit: 7, after }),
      [await log.head(), ...[await log.headElsewhere()].filter((head) => head !== undefined)],
    );
  const waiting = () => app.get(RedisConnections).producer.xlen(platformKey(settings(), 'audit:spool'));
  const targets = async () => (await log.list({}, { limit: 1_000, after: 0 })).map(({ target }) => target);

  it('is one chain without a gap, whoever adds to it at the same time', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        log.append([{ entry: entry(`a${at}`) }, { entry: entry(`b${at}`) }]),
      ),
    );
    expect(await verify()).toEqual({ rows: 40 });
    expect((await log.list({}, { limit: 50 })).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 40 }, (_, at) => 40 - at),
    );
  });

  // Each does its harm, says what has to be found, and mends it again.
  const harms: Record<string, { harm: SQL; mend: SQL; finds: object }> = {
    'a word that was changed': {
      harm: sql`UPDATE audit_entries SET actor = 'somebody' WHERE seq = 12`,
      mend: sql`UPDATE audit_entries SET actor = 'tester' WHERE seq = 12`,
      finds: { seq: 12, kind: 'changed' },
    },
    'a time that was moved': {
      harm: sql`UPDATE audit_entries SET at = at + interval '1 hour' WHERE seq = 5`,
      mend: sql`UPDATE audit_entries SET at = at - interval '1 hour' WHERE seq = 5`,
      finds: { seq: 5, kind: 'changed' },
    },
    'a row that was taken out': {
      harm: sql`CREATE TABLE taken AS SELECT * FROM audit_entries WHERE seq = 20; DELETE FROM audit_entries WHERE seq = 20`,
      mend: sql`INSERT INTO audit_entries SELECT * FROM taken; DROP TABLE taken`,
      finds: { seq: 20, kind: 'missing' },
    },
    'rows that were cut off at the end': {
      harm: sql`CREATE TABLE taken AS SELECT * FROM audit_entries WHERE seq > 38; DELETE FROM audit_entries WHERE seq > 38`,
      mend: sql`INSERT INTO audit_entries SELECT * FROM taken; DROP TABLE taken`,
      finds: { seq: 39, kind: 'cut off' },
    },
    'two rows in each other’s place': {
      harm: sql`UPDATE audit_entries SET seq = -1 WHERE seq = 3; UPDATE audit_entries SET seq = 3 WHERE seq = 4; UPDATE audit_entries SET seq = 4 WHERE seq = -1`,
      mend: sql`UPDATE audit_entries SET seq = -1 WHERE seq = 3; UPDATE audit_entries SET seq = 3 WHERE seq = 4; UPDATE audit_entries SET seq = 4 WHERE seq = -1`,
      finds: { seq: 3, kind: 'changed' },
    },
    'a row that was put at the end': {
      harm: sql`INSERT INTO audit_entries SELECT 41, at, tenant, actor, role, origin, action, target, reason, detail, outcome, status, request_id, hash, NULL FROM audit_entries WHERE seq = 40`,
      mend: sql`DELETE FROM audit_entries WHERE seq = 41`,
      finds: { seq: 41, kind: 'changed' },
    },
    'an end that was cut off everywhere in PostgreSQL': {
      harm: sql`CREATE TABLE taken AS SELECT * FROM audit_entries WHERE seq = 40; DELETE FROM audit_entries WHERE seq = 40; UPDATE audit_head SET seq = 39, hash = (SELECT hash FROM audit_entries WHERE seq = 39)`,
      mend: sql`INSERT INTO audit_entries SELECT * FROM taken; UPDATE audit_head SET seq = 40, hash = (SELECT hash FROM taken); DROP TABLE taken`,
      finds: { seq: 40, kind: 'cut off' },
    },
  };

  it.each(Object.keys(harms))('shows %s', async (name) => {
    const { harm, mend, finds } = harms[name]!;
    await run(harm);
    const { fault } = await verify();
    await run(mend);
    expect(fault).toMatchObject(finds);
    expect(await verify()).toEqual({ rows: 40 });
  });

  it('takes what waits in Redis once, and what was begun and never ended as unknown', async () => {
    const before = (await log.head()).seq;
    const begun = await spool.begin(entry('ends'));
    await spool.end(entry('ends'), begun);
    await spool.begin(entry('killed', Date.now() - 100_000));
    await spool.begin(entry('at it'));
    await Promise.all([spool.drain(), spool.drain(), spool.drain()]);
    expect((await log.head()).seq - before).toBe(1);
    await Promise.all([spool.drain(Date.now() + 30_000), spool.drain(Date.now() + 30_000)]);
    const [newest] = await log.list({}, { limit: 1 });
    expect(newest).toMatchObject({ target: 'killed', outcome: 'unknown' });
    expect([(await log.head()).seq - before, await waiting()]).toEqual([2, 1]);
    await spool.drain(Date.now() + 1_000_000);
    expect(await verify()).toEqual({ rows: before + 3 });
  });

  it('waits in Redis while the database is away, and is complete when it is back', async () => {
    await postgres.kill();
    for (const target of ['while away 1', 'while away 2']) {
      await spool.end(entry(target), await spool.begin(entry(target)));
    }
    expect(await waiting()).toBe(2);
    await postgres.restart();
    await eventually(async () => {
      await spool.drain();
      expect(await waiting()).toBe(0);
    }, 20_000);
    expect((await targets()).slice(-2)).toEqual(['while away 1', 'while away 2']);
    expect((await verify()).fault).toBeUndefined();
  });
});
