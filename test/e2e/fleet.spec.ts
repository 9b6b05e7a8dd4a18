import { AuthorizationScene, BOOTSTRAP_KEY } from '../support/authorization-scene';
import { RawClient } from '../support/raw-client';
import { defaultFleet } from '../../src/workloads/agents/default-fleet';

interface Aircraft {
  readonly id: string;
  readonly registration: string;
  readonly [member: string]: unknown;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

const wish = {
  registration: 'N1-TEST',
  type: 'Embraer Phenom 300E',
  category: 'light',
  operatorName: 'Testwind',
  operatorRating: 4.5,
  homeBase: 'teb',
  seats: 7,
  rangeNm: 2_000,
  cruiseKt: 440,
  runwayFt: 3_250,
  hourlyUsd: 3_800,
  crewOvernightUsd: 1_000,
};

describe('the fleet over REST', () => {
  let scene: AuthorizationScene;
  let client: RawClient;
  let acme: string;

  beforeAll(async () => {
    scene = await AuthorizationScene.start();
    client = new RawClient(scene.server.url);
    acme = await scene.key({ role: 'operator', tenant: 'acme' });
  });

  afterAll(async () => {
    client.close();
    await scene.server.close();
  });

  async function ask(
    method: string,
    path: string,
    {
      body,
      headers = {},
      key = BOOTSTRAP_KEY,
    }: { body?: unknown; headers?: Record<string, string>; key?: string } = {},
  ) {
    const answer = await client.call(path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return {
      ...answer,
      body: (answer.text === '' ? {} : JSON.parse(answer.text)) as Aircraft & Page<Aircraft>,
    };
  }

  const add = (change: object = {}, key = BOOTSTRAP_KEY) =>
    ask('POST', '/api/fleet', { body: { ...wish, ...change }, key });
  const remove = (id: string, headers: Record<string, string> = {}) =>
    ask('DELETE', `/api/fleet/${id}?reason=testing`, { headers });

  /** Every page, by the links. */
  async function all(query: string, key = BOOTSTRAP_KEY): Promise<Aircraft[]> {
    const found: Aircraft[] = [];
    for (let path = `/api/fleet?${query}`; path !== '';) {
      const page = await ask('GET', path, { key });
      found.push(...page.body.items);
      path = /^<([^>]+)>/.exec(String(page.headers['link'] ?? ''))?.[1] ?? '';
    }
    return found;
  }

  it('begins with samples, which each tenant gets once, also when many ask at once', async () => {
    const key = await scene.key({ role: 'operator', tenant: 'newcomer' });
    const pages = await Promise.all(Array.from({ length: 8 }, () => all('limit=200', key)));
    for (const page of pages) expect(page).toHaveLength(defaultFleet.length);
    expect(new Set(pages[0]!.map(({ type }) => type)).size).toBeGreaterThanOrEqual(12);
    expect(new Set(pages[0]!.map(({ category }) => category)).size).toBe(6);
    const [first] = pages[0]!;
    expect((await ask('DELETE', `/api/fleet/${first!.id}?reason=testing`, { key })).status).toBe(204);
    expect(await all('limit=200', key)).toHaveLength(defaultFleet.length - 1);
  });

  it('adds, reads, changes and removes an aircraft', async () => {
    const added = await add();
    expect([added.status, added.headers['location']]).toEqual([201, `/api/fleet/${added.body.id}`]);
    expect(added.body).toMatchObject({
      ...wish,
      homeBase: 'KTEB',
      feePercent: 100,
      minimumHoursPerDay: 0,
      positioning: 'return',
      availability: [],
      isActive: true,
      version: 1,
    });
    const path = `/api/fleet/${added.body.id}`;
    const read = await ask('GET', path);
    expect([read.status, read.body, read.headers['etag']]).toEqual([200, added.body, added.headers['etag']]);

    const window = { from: '2027-03-01T00:00:00+01:00', until: '2027-04-01T00:00:00Z' };
    const changed = await ask('PATCH', path, {
      body: { hourlyUsd: 4_000, homeBase: 'LFPB', availability: [window] },
    });
    expect(changed.body).toMatchObject({
      ...wish,
      hourlyUsd: 4_000,
      homeBase: 'LFPB',
      version: 2,
      availability: [{ from: '2027-02-28T23:00:00.000Z', until: '2027-04-01T00:00:00.000Z' }],
    });
    expect((await remove(added.body.id)).status).toBe(204);
    expect((await ask('GET', path)).body).toMatchObject({ status: 404, code: 'aircraft_not_found' });
    expect((await remove(added.body.id)).status).toBe(404);
  });

  it('changes and removes under If-Match only what the caller has seen', async () => {
    const { body, headers } = await add({ registration: 'N2-TEST' });
    const seen = String(headers['etag']);
    const path = `/api/fleet/${body.id}`;
    const raise = (ifMatch: string) =>
      ask('PATCH', path, { body: { seats: 8 }, headers: { 'if-match': ifMatch } });
    const both = await Promise.all([raise(seen), raise(seen)]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
    expect((await raise(seen)).body).toMatchObject({ code: 'precondition_failed' });
    expect((await remove(body.id, { 'if-match': seen })).status).toBe(412);
    const newest = String((await ask('GET', path)).headers['etag']);
    expect((await remove(body.id, { 'if-match': newest })).status).toBe(204);
    // The same registration again is the same id, but not what was seen.
    const again = await add({ registration: 'N2-TEST' });
    expect([again.body.id, again.body['version']]).toEqual([body.id, 1]);
    expect((await raise(seen)).status).toBe(412);
    await remove(body.id);
  });

  it('has each registration once', async () => {
    const added = await Promise.all(Array.from({ length: 4 }, () => add({ registration: 'N3-TEST' })));
    expect(added.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409]);
    expect(added.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'aircraft_exists' });
    await remove(added.find(({ status }) => status === 201)!.body.id);
  });

  it('is listed in pages and by what is asked for', async () => {
    const whole = await all('limit=200');
    expect(await all('limit=7')).toEqual(whole);
    const found = async (query: string) => (await all(query)).map(({ id }) => id);
    const those = (test: (one: Aircraft) => boolean) => whole.filter(test).map(({ id }) => id);
    expect(await found('category=light')).toEqual(those(({ category }) => category === 'light'));
    expect(await found('homeBase=TEB')).toEqual(those(({ homeBase }) => homeBase === 'KTEB'));
    expect(await found('minSeats=13')).toEqual(those(({ seats }) => Number(seats) >= 13));
    expect(await found('operatorName=northgate%20JETS')).toEqual(
      those(({ operatorName }) => operatorName === 'Northgate Jets'),
    );
    for (const query of ['homeBase=XXXX', 'operatorName=%25', 'isActive=false'])
      expect(await found(query)).toEqual([]);
    for (const query of [
      'category=airship',
      'minSeats=0',
      'limit=0',
      'cursor=x',
      'isActive=maybe',
      'operatorName=%00',
    ]) {
      expect([query, (await ask('GET', `/api/fleet?${query}`)).status]).toEqual([query, 400]);
    }
  });

  it.each([
    [{ homeBase: 'ZZZZ' }, '#/homeBase'],
    [{ seats: 0 }, '#/seats'],
    [{ rangeNm: 1e9 }, '#/rangeNm'],
    [{ hourlyUsd: 1.5 }, '#/hourlyUsd'],
    [{ operatorRating: 5.5 }, '#/operatorRating'],
    [{ minimumHoursPerDay: 0.25 }, '#/minimumHoursPerDay'],
    [{ operatorName: 'a\u0000b' }, '#/operatorName'],
    [{ registration: '../x' }, '#/registration'],
    [{ category: 'balloon' }, '#/category'],
    [{ positioning: 'sideways' }, '#/positioning'],
    [{ isActive: null }, '#/isActive'],
    [
      { availability: [{ from: '2027-03-02T00:00:00Z', until: '2027-03-01T00:00:00Z' }] },
      '#/availability/0/until',
    ],
    [{ availability: [{ from: '2027-03-02', until: '2027-03-03T00:00:00Z' }] }, '#/availability/0/from'],
  ])('refuses %j, and says where', async (change, pointer) => {
    const { status, body } = await add(change);
    expect([status, body]).toEqual([
      422,
      expect.objectContaining({ code: 'validation_failed', errors: [expect.objectContaining({ pointer })] }),
    ]);
    if (pointer === '#/registration') return;
    const patched = await ask('PATCH', `/api/fleet/${scene.ids.aircraft}`, { body: change });
    expect([patched.status, patched.body['errors']]).toEqual([422, [expect.objectContaining({ pointer })]]);
  });

  it('does not change a registration, and takes no unknown field', async () => {
    for (const body of [{ registration: 'N4-TEST' }, { id: 'x' }, { tenant: 'acme' }, { version: 7 }]) {
      expect((await ask('PATCH', `/api/fleet/${scene.ids.aircraft}`, { body })).status).toBe(400);
    }
  });

  it('shows nobody the aircraft of another tenant', async () => {
    const { body } = await add({ registration: 'N5-TEST' }, acme);
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const path = `/api/fleet/${body.id}${method === 'DELETE' ? '?reason=none' : ''}`;
      expect((await ask(method, path, method === 'PATCH' ? { body: { seats: 1 } } : {})).status).toBe(404);
    }
    expect((await all('limit=200')).some(({ registration }) => registration === 'N5-TEST')).toBe(false);
    expect((await ask('GET', `/api/fleet/${body.id}`, { key: acme })).body).toEqual(body);
  });

  describe('bookings', () => {
    const march = (from: number, until: number, change: object = {}) => ({
      kind: 'hold',
      startsAt: `2027-03-${String(from).padStart(2, '0')}T00:00:00Z`,
      endsAt: `2027-03-${String(until).padStart(2, '0')}T00:00:00Z`,
      reference: 'req-1',
      ...change,
    });

    it('take an aircraft for a while and give it free again', async () => {
      const path = `/api/fleet/${scene.ids.aircraft}/bookings`;
      const book = (body: object) => ask('POST', path, { body });
      const first = await book(march(10, 12));
      expect([first.status, first.headers['location']]).toEqual([201, `${path}/${first.body.id}`]);
      expect((await book(march(11, 13))).body).toMatchObject({ status: 409, code: 'booking_overlaps' });
      const next = await book(march(12, 13, { kind: 'maintenance' }));
      const before = await book(march(8, 10));
      expect([next.status, before.status]).toEqual([201, 201]);
      const page = await ask('GET', `${path}?limit=2`);
      expect(page.body.items.map(({ id }) => id)).toEqual([before.body.id, first.body.id]);
      const rest = await ask('GET', `${path}?cursor=${page.body.next_cursor}`);
      expect(rest.body).toEqual({ items: [next.body], next_cursor: null });
      for (const { body } of [first, next, before]) {
        expect((await ask('DELETE', `${path}/${body.id}`)).status).toBe(204);
        expect((await ask('DELETE', `${path}/${body.id}`)).status).toBe(404);
      }
    });

    it('never overlap, whoever is first', async () => {
      const path = `/api/fleet/${scene.ids.aircraft}/bookings`;
      const tries = await Promise.all(
        Array.from({ length: 10 }, (_, at) =>
          ask('POST', path, { body: march(14 + (at % 2), 17, { kind: 'booking' }) }),
        ),
      );
      expect(tries.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
        201,
        ...Array<number>(9).fill(409),
      ]);
      const { body } = tries.find(({ status }) => status === 201)!;
      await ask('DELETE', `${path}/${body.id}`);
    });

    it('are refused where they make no sense', async () => {
      const path = `/api/fleet/${scene.ids.aircraft}/bookings`;
      for (const [body, pointer] of [
        [march(12, 12), '#/endsAt'],
        [march(12, 14, { kind: 'gift' }), '#/kind'],
        [march(12, 14, { startsAt: '2027-03-12T00:00:00' }), '#/startsAt'],
        [march(12, 14, { startsAt: '2127-03-12T00:00:00Z' }), '#/startsAt'],
        [march(12, 14, { reference: '\u0000' }), '#/reference'],
      ] as const) {
        const refused = await ask('POST', path, { body });
        expect([refused.status, refused.body['errors']]).toEqual([
          422,
          [expect.objectContaining({ pointer })],
        ]);
      }
      expect((await ask('POST', '/api/fleet/nothing/bookings', { body: march(12, 14) })).status).toBe(404);
      expect((await ask('POST', path, { body: march(12, 14), key: acme })).status).toBe(404);
      expect((await ask('GET', `${path}?cursor=W10`)).status).toBe(400);
    });
  });
});
