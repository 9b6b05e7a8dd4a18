import { join } from 'node:path';
import { tortureRules, writeTortureFile, type TortureTruth } from '../../scripts/torture-file.mjs';
import { eventually } from '../support/eventually';
import { TcpProxy, type Fate } from '../support/tcp-proxy';
import { FaultScene } from './fault-scene';
import { query, storedRows } from './database-client';

const rows = 2_000;
const endDeadlineMs = 60_000;

describe('F42: the API is killed between the commit of a run and the relay of its job', () => {
  const scene = new FaultScene();
  let truth: TortureTruth;
  let file: string;

  beforeEach(async () => {
    await scene.open();
    file = join(scene.home, 'members.csv');
    truth = await writeTortureFile(file, rows);
  }, 60_000);

  afterEach(() => scene.close());

  /** The run is committed and its caller answered; then the relay's add is lost, and the API dies. */
  async function acceptAndDie(fate: Fate): Promise<string> {
    const proxy = await TcpProxy.start(scene.redis.port);
    try {
      const redisUrl = `redis://127.0.0.1:${proxy.port}`;
      const { server, api } = await scene.start({ ROLE: 'api', REDIS_URL: redisUrl });
      const lost = proxy.lose('validate-file', fate);
      const { status, body } = await api.upload(file, tortureRules);
      expect(status).toBe(202);
      await lost;
      await server.kill();
      expect(await promises()).toHaveLength(1);
      return String(body['validationId']);
    } finally {
      await proxy.close();
    }
  }

  const promises = () => query(scene.databaseUrl, 'SELECT job_type FROM outbox');

  const jobsInRedis = () =>
    scene.redis.query((client) => client.keys('bull:validation:validation_??????????????????????'));

  async function expectOneExactRun(id: string): Promise<void> {
    const { api } = await scene.start();
    await api.waitForEnd(id, endDeadlineMs);
    await eventually(async () => expect(await promises()).toHaveLength(0), endDeadlineMs);
    const run = await api.run(id);
    expect(run).toMatchObject({ status: 'completed', attempt: 1, rows: truth.rows });
    expect(await storedRows(scene.databaseUrl, id)).toEqual({ all: rows, distinct: rows });
    expect(await jobsInRedis()).toEqual([`bull:validation:${run.jobId}`]);
  }

  it('adds the job later when the add never reached Redis', async () => {
    const id = await acceptAndDie('request is lost');
    expect(await jobsInRedis()).toHaveLength(0);
    await expectOneExactRun(id);
  }, 120_000);

  it('adds the job only once when the add reached Redis and its answer reached nobody', async () => {
    const id = await acceptAndDie('reply is lost');
    await eventually(async () => expect(await jobsInRedis()).toHaveLength(1), endDeadlineMs);
    await expectOneExactRun(id);
  }, 120_000);
});
