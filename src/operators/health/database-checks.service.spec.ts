import type { Database } from '../../platform/database/database.service';
import { DatabaseChecks } from './database-checks.service';

const checksOn = (pingMs: () => Promise<number>, isSchemaReady: boolean) =>
  new DatabaseChecks({ pingMs, isSchemaReady } as Database);
const away = () => Promise.reject(new Error('away'));
const frozen = () => new Promise<number>(() => undefined);

describe('DatabaseChecks', () => {
  it('asks nothing more once the schema is there', async () => {
    const ping = jest.fn(away);
    await expect(checksOn(ping, true).hasItsSchema()).resolves.toEqual({ schema: 'ready' });
    expect(ping).not.toHaveBeenCalled();
  });

  it('refuses a database that answers and lacks its migrations', async () => {
    await expect(checksOn(async () => 1, false).hasItsSchema()).rejects.toThrow(
      'The migrations have not run yet.',
    );
  });

  it('lets a database that is away not stop the rest', async () => {
    await expect(checksOn(away, false).hasItsSchema()).resolves.toEqual({ schema: 'unknown' });
    await expect(checksOn(away, false).answers()).rejects.toThrow('The database does not answer.');
  });

  it('waits two seconds for a frozen database, and asks it once for all who wait', async () => {
    jest.useFakeTimers();
    const ping = jest.fn(frozen);
    const checks = checksOn(ping, true);
    const answers = Promise.allSettled([checks.answers(), checks.answers()]);
    await jest.advanceTimersByTimeAsync(2_000);
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(ping).toHaveBeenCalledTimes(1);
    jest.useRealTimers();
  });
});
