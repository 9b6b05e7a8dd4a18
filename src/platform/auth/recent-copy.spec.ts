import { DatabaseUnavailableError } from '../database/database-unavailable.error';
import { RecentCopy } from './recent-copy';

const MINUTE_MS = 60_000;

/** A table of one column that can be away, and a clock to turn. */
class Scene {
  now = 1_000_000;
  isAway = false;
  asked = 0;
  readonly rows = new Map<string, string>();
  readonly copy = new RecentCopy<string>(
    async (id) => {
      this.asked += 1;
      if (this.isAway) throw new DatabaseUnavailableError('It is away.');
      return this.rows.get(id);
    },
    () => this.now,
  );
}

describe('a recent copy of the database', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
    scene.rows.set('a', 'first');
  });

  it('asks once for many readers', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, async () => scene.copy.get('a')));
    expect(new Set(all)).toEqual(new Set(['first']));
    await scene.copy.get('a');
    expect(scene.asked).toBe(1);
  });

  it('knows of a change within 25 s, and within 10 s once somebody has asked again', async () => {
    await scene.copy.get('a');
    scene.rows.delete('a');
    scene.now += 11_000;
    expect(await scene.copy.get('a')).toBe('first');
    await new Promise(setImmediate);
    expect(await scene.copy.get('a')).toBeUndefined();
    scene.rows.set('a', 'second');
    expect(await scene.copy.get('a')).toBe('second');
    scene.rows.delete('a');
    scene.now += 25_000;
    expect(await scene.copy.get('a')).toBeUndefined();
  });

  it('goes on for ten minutes while the database is away, and not longer', async () => {
    await scene.copy.get('a');
    scene.isAway = true;
    scene.now += 9 * MINUTE_MS;
    expect(await scene.copy.get('a')).toBe('first');
    scene.now += MINUTE_MS + 1;
    await expect(scene.copy.get('a')).rejects.toThrow(DatabaseUnavailableError);
  });

  it('does not ask a database again that did not answer a moment ago', async () => {
    scene.isAway = true;
    await expect(scene.copy.get('a')).rejects.toThrow(DatabaseUnavailableError);
    await expect(scene.copy.get('b')).rejects.toThrow(DatabaseUnavailableError);
    expect(scene.asked).toBe(1);
    scene.isAway = false;
    scene.now += 2_001;
    expect(await scene.copy.get('a')).toBe('first');
  });

  it('forgets at once, also what is being read at that moment', async () => {
    const reading = scene.copy.get('a');
    scene.copy.forget('a');
    await reading;
    scene.rows.set('a', 'second');
    expect(await scene.copy.get('a')).toBe('second');
  });

  it('keeps no more than 10,000 rows', async () => {
    for (let count = 0; count < 10_001; count += 1) {
      scene.rows.set(`row-${count}`, 'x');
      await scene.copy.get(`row-${count}`);
    }
    scene.asked = 0;
    await scene.copy.get('row-10000');
    expect(scene.asked).toBe(0);
    await scene.copy.get('row-0');
    expect(scene.asked).toBe(1);
  });
});
