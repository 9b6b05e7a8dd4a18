import { roles, type KeyRole } from '../../src/platform/auth/permissions';
import { routeRules, type RouteRule } from '../support/authorization-rules';
import {
  AuthorizationScene,
  BOOTSTRAP_KEY,
  CANARY,
  NOTIFIED_USER,
  type ServedRoute,
} from '../support/authorization-scene';
import { RawClient, type RawAnswer } from '../support/raw-client';

const json = { 'content-type': 'application/json' };
const safeMethods = ['GET', 'HEAD', 'OPTIONS'];
const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });

/** Parameters that name something of one tenant. */
const owned = /:(id|name|kid|jobId)\b/;

interface Caller {
  readonly who: string;
  readonly headers: Record<string, string>;
  readonly role?: KeyRole;
  readonly tenant?: string;
  /** May use only what any key may. */
  readonly isConfined?: true;
}

function ruleOf({ method, url }: ServedRoute): RouteRule | undefined {
  const verb = method === 'HEAD' ? 'GET' : method;
  return routeRules[`${verb} ${url}`] ?? routeRules[`${verb} /api${url}`];
}

/** What passes the checks of a decision, so that the answer is about what it names. */
function bodyOf({ method, url }: ServedRoute): string {
  if (/\/:id\/(retry|redrive|restore|abort)$/.test(url)) return '{"reason":"of the matrix"}';
  if (method === 'POST' && url.endsWith('/bookings')) {
    return '{"kind":"hold","startsAt":"2027-03-01T00:00:00Z","endsAt":"2027-03-02T00:00:00Z"}';
  }
  if (url.endsWith('/answers')) return '{"answers":[{"field":"passengers","answer":"6"}]}';
  const isEdit = method === 'PATCH' && url.includes('/dead-letters/');
  return isEdit ? '{"reason":"of the matrix","data":{}}' : '{}';
}

// Thousands of requests each; on a busy machine they take a minute.
const MANY_REQUESTS_MS = 180_000;

describe('the authorization matrix', () => {
  let scene: AuthorizationScene;
  let client: RawClient;
  let routes: ServedRoute[];
  const strangers: Caller[] = [];
  const callers: Caller[] = [];

  beforeAll(async () => {
    scene = await AuthorizationScene.start();
    client = new RawClient(scene.server.url);
    routes = scene.routes;
    const key = async (given: Parameters<typeof scene.key>[0]) => bearer(await scene.key(given));
    for (const tenant of ['default', 'acme']) {
      for (const role of roles) {
        callers.push({ who: `${role} of ${tenant}`, role, tenant, headers: await key({ role, tenant }) });
      }
    }
    const confined = await key({ role: 'admin', queues: ['elsewhere'] });
    callers.push({ who: 'admin of another queue', role: 'admin', isConfined: true, headers: confined });
    strangers.push(
      { who: 'nobody', headers: {} },
      { who: 'a wrong key', headers: bearer('wrong') },
      { who: 'a wrong secret', headers: bearer(`${scene.ids.key}.${'x'.repeat(43)}`) },
      { who: 'a password', headers: { authorization: `Basic ${btoa(`x:${BOOTSTRAP_KEY}`)}` } },
      { who: 'an ended key', headers: await key({ role: 'admin', expiresAt: new Date(1) }) },
      { who: 'a revoked key', headers: await key({ role: 'admin', isRevoked: true }) },
      {
        who: 'a forged session',
        headers: { cookie: `holdfast_session=${'x'.repeat(43)}.${'y'.repeat(43)}` },
      },
    );
  });

  afterAll(async () => {
    client.close();
    await scene.server.close();
  });

  /** The path with its parameters filled in: by what is there, or by what is not where it must not change. */
  function pathOf(url: string, isThere = true): string {
    const { ids } = scene;
    const [, kind = ''] =
      /\/(jobs|dead-letters|operations|notifications|subscriptions|validations|fleet|charter-requests|clients|flows)\/:id/.exec(
        url,
      ) ?? [];
    const things = {
      jobs: ids.job,
      'dead-letters': ids.deadLetter,
      operations: ids.operation,
      notifications: ids.notification,
      subscriptions: ids.subscription,
      fleet: ids.aircraft,
      'charter-requests': ids.charterRequest,
      clients: ids.client,
      flows: ids.flow,
    };
    const { brokerage } = scene;
    const [, ofBrokerage = ''] = /\/brokerage\/(\w+)\/:id/.exec(url) ?? [];
    const id =
      brokerage[ofBrokerage as keyof typeof brokerage] ?? things[kind as keyof typeof things] ?? ids.run;
    const values: Record<string, string> = {
      id: isThere ? id : 'nothing',
      runId: isThere ? brokerage.runs : 'nothing',
      jobId: isThere ? ids.job : 'nothing',
      fingerprint: isThere ? ids.errorGroup : 'nothing',
      name: isThere ? ids.ruleSet : 'nothing',
      kid: isThere ? ids.key : 'nothing',
      queue: 'default',
      key: 'a-source',
      queueName: 'default',
      queueStatus: 'delayed',
      schedulerId: 'nothing',
      file: 'swagger-ui.css',
      slug: 'not-found',
      bookingId: 'nothing',
      address: 'nobody@example.org',
    };
    return url.replace('*', 'favicon-32x32.png').replace(/:(\w+)/g, (_all, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`Teach pathOf what to put for ":${name}" of ${url}.`);
      return value;
    });
  }

  const send = ({ method, url }: ServedRoute, { headers }: Caller, isThere = true): Promise<RawAnswer> => {
    const hasBody = !safeMethods.includes(method) && method !== 'DELETE';
    const needsReason = method === 'DELETE' || url.endsWith('/revoke');
    return client.call(`${pathOf(url, isThere)}${needsReason ? '?reason=none' : ''}`, {
      method,
      headers: { ...headers, ...(hasBody && json) },
      ...(hasBody && { body: bodyOf({ method, url }) }),
    });
  };

  async function each<T>(
    things: readonly T[],
    work: (thing: T) => Promise<string | undefined>,
  ): Promise<string[]> {
    const waiting = [...things];
    const found: string[] = [];
    const lane = async () => {
      for (let thing = waiting.shift(); thing !== undefined; thing = waiting.shift()) {
        const wrong = await work(thing);
        if (wrong !== undefined) found.push(wrong);
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    return found;
  }

  it('knows a rule for every route, and no rule without a route', () => {
    const without = routes.filter((route) => ruleOf(route) === undefined);
    expect(without.map(({ method, url }) => `${method} ${url}`)).toEqual([]);
    // Fastify tells of the board's entry under its path with a slash only.
    const served = new Set([...routes.map(({ method, url }) => `${method} ${url}`), 'GET /admin/queues']);
    expect(Object.keys(routeRules).filter((route) => !served.has(route))).toEqual([]);
  });

  it(
    'answers strangers on public routes only',
    async () => {
      const cells = routes.flatMap((route) => strangers.map((caller) => ({ route, caller })));
      const wrong = await each(cells, async ({ route, caller }) => {
        const { status, text } = await send(route, caller);
        const isPublic = ruleOf(route)?.first === 'anyone';
        const isRight = isPublic ? ![403, 500].includes(status) : status === 401;
        const isLogin = isPublic && route.url === '/ui/login' && status === 401;
        return isRight && !isLogin && !text.includes(CANARY)
          ? undefined
          : `${route.method} ${route.url} for ${caller.who}: ${status}`;
      });
      expect(wrong).toEqual([]);
    },
    MANY_REQUESTS_MS,
  );

  function verdict(route: ServedRoute, caller: Caller, { status }: RawAnswer): boolean {
    const { first, reach, neverServed } = ruleOf(route)!;
    if (first === 'anyone') return status !== 403 && status < 500;
    const isPage = route.url === '/openapi.json' || route.url.startsWith('/docs');
    if (caller.isConfined === true && !isPage) return status === 403;
    const isAllowed = roles.indexOf(caller.role!) >= roles.indexOf(first);
    if (!isAllowed || (reach === 'server' && caller.tenant !== 'default')) return status === 403;
    if (neverServed === true) return status === 403;
    // For another tenant there is nothing by this name.
    if (caller.tenant === 'acme' && owned.test(route.url)) return status === 404;
    return status !== 401 && status !== 403 && status < 500;
  }

  it(
    'answers each role of each tenant as the rules say',
    async () => {
      const cells = routes.flatMap((route) => callers.map((caller) => ({ route, caller })));
      const wrong = await each(cells, async ({ route, caller }) => {
        const { first } = ruleOf(route)!;
        const isSafe = safeMethods.includes(route.method);
        const mayChange =
          !isSafe && first !== 'anyone' && roles.indexOf(caller.role!) >= roles.indexOf(first);
        const answer = await send(route, caller, !(mayChange && caller.tenant === 'default'));
        return verdict(route, caller, answer)
          ? undefined
          : `${route.method} ${route.url} for ${caller.who}: ${answer.status}`;
      });
      expect(wrong).toEqual([]);
    },
    MANY_REQUESTS_MS,
  );

  it(
    'shows what is in payloads, results, errors and logs to nobody without the grant',
    async () => {
      const reads = routes.filter(({ method }) => method === 'GET').map(({ url }) => pathOf(url));
      const { failedJob, deadLetter } = scene.ids;
      const failed = [
        `/api/queue/jobs/${failedJob}`,
        `/api/queue/jobs/${failedJob}/attempts`,
        '/api/queue/jobs?include=result,error',
        '/api/queue/dead-letters?group=error',
        `/api/notifications?userId=${NOTIFIED_USER}`,
        `/api/brokerage/notes?userId=${NOTIFIED_USER}`,
        `/api/brokerage/notes/${scene.brokerage.notes}`,
        `/api/brokerage/reviews/${scene.brokerage.reviews}`,
        `/api/brokerage/imports/${scene.brokerage.imports}/findings`,
        `/api/brokerage/connections/${scene.brokerage.connections}/activities`,
        `/api/brokerage/connections/${scene.brokerage.connections}/reconciliation`,
        `/admin/queues/api/queues/default/${failedJob}`,
        `/admin/queues/api/queues/default_dlq/${deadLetter}`,
        '/admin/queues/api/queues?activeQueue=default_dlq&status=waiting&page=1&jobsPerPage=10',
      ];
      const paths = [
        ...reads,
        ...failed,
        '/admin/queues/api/queues?activeQueue=default&status=failed&page=1&jobsPerPage=10',
      ];
      const shown = async (headers: Record<string, string>) => {
        const found: string[] = [];
        await each(paths, async (path) => {
          if ((await client.call(path, { headers })).text.includes(CANARY)) found.push(path);
          return undefined;
        });
        return found;
      };
      for (const { who, headers } of callers.filter(
        ({ role, isConfined }) => role !== 'admin' || isConfined,
      )) {
        expect([who, await shown(headers)]).toEqual([who, []]);
      }
      const other = callers.find(({ who }) => who === 'admin of acme')!;
      expect(await shown(other.headers)).toEqual([]);
      // The canaries sing where they may, so that the silence above means something.
      const sung = await shown(bearer(BOOTSTRAP_KEY));
      expect(failed.filter((path) => !sung.includes(path))).toEqual([]);
      expect(sung.length).toBeGreaterThan(20);
    },
    MANY_REQUESTS_MS,
  );

  const spellings: readonly ((path: string) => string)[] = [
    (path) => path.toUpperCase(),
    (path) => `/${path}`,
    (path) => path.replace(/(.)\//, '$1//'),
    (path) => path.replace(/(.)\//, '$1%2f'),
    (path) => path.replace(/(.)\//, '$1%5c'),
    (path) => path.replace(/(.)\//, '$1%c0%af'),
    (path) => path.replace(/(.)\//, '$1\\'),
    (path) => path.replace(/(.)\//, '$1%2F..%2F'),
    (path) => path.replace(/\/([^/]*)$/, '/x/..%2f$1'),
    (path) => `${path}%20`,
    (path) => `${path}%09`,
    (path) => `${path}#/health`,
    (path) => `${path}/`,
    (path) => `${path}..;/`,
    (path) => `${path};x=1`,
    (path) => `${path}%00`,
    (path) => `${path}.json`,
    (path) => `/health/..${path}`,
    (path) => `/health/..;${path}`,
    (path) => `/health/%2e%2e${path}`,
    (path) => `/problems/..%2f${path.slice(1)}`,
    (path) => path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    (path) => `http://localhost${path}`,
    (path) => `${path}?_method=GET`,
  ];
  const overrides = ['x-http-method-override', 'x-http-method', 'x-method-override'];

  it(
    'lets nobody around it by spelling, verb or override',
    async () => {
      // Who comes closest to having the right.
      const nearest = (route: ServedRoute) =>
        callers.find(
          ({ who }) => who === `${roles[roles.indexOf(ruleOf(route)!.first as KeyRole) - 1]} of default`,
        );
      const guarded = routes.filter((route) => ruleOf(route)!.first !== 'anyone' && route.method !== 'HEAD');
      const cells = guarded.flatMap((route) =>
        spellings.flatMap((spell, at) => {
          // Every spelling meets each of the other verbs, on one route of three.
          const others = ['GET', 'HEAD', 'OPTIONS'].filter(
            (_verb, turn) => (route.url.length + at + turn) % 3 === 0,
          );
          return [...new Set([route.method, ...others])].map((method) => ({ route, spell, method }));
        }),
      );
      const wrong = await each(cells, async ({ route, spell, method }) => {
        const path = spell(pathOf(route.url));
        const { status, text } = await client.call(path, { method });
        const isRight = method === 'OPTIONS' ? status !== 200 : [400, 401, 404, 405, 414].includes(status);
        if (!isRight || text.includes(CANARY)) return `${method} ${path} for nobody: ${status}`;
        const caller = nearest(route);
        // The verbs that a route shares with another one, which the caller may use.
        if (caller === undefined || (safeMethods.includes(method) && route.method !== 'GET'))
          return undefined;
        const hasBody = !safeMethods.includes(method);
        const tried = await client.call(path, {
          method,
          headers: { ...caller.headers, ...(hasBody && json) },
          ...(hasBody && { body: '{}' }),
        });
        const isRefused = [400, 403, 404, 405, 414].includes(tried.status);
        return isRefused || (method === 'OPTIONS' && tried.status === 204)
          ? undefined
          : `${method} ${path} for ${caller.who}: ${tried.status}`;
      });
      process.stdout.write(
        `A07 routes=${routes.length} callers=${callers.length + strangers.length} spellings=${spellings.length} spelled=${cells.length} wrong=${wrong.length}\n`,
      );
      expect(wrong).toEqual([]);
    },
    MANY_REQUESTS_MS,
  );

  it('takes no other verb than the one of the request line', async () => {
    const viewer = callers.find(({ who }) => who === 'viewer of default')!;
    const path = pathOf('/api/queue/jobs/:id');
    for (const name of overrides) {
      for (const method of ['GET', 'POST']) {
        const headers = { ...viewer.headers, [name]: 'DELETE' };
        const { status } = await client.call(path, { method, headers });
        expect([name, method, status]).toEqual([name, method, method === 'GET' ? 200 : 405]);
      }
      const asGet = await client.call(path, {
        method: 'DELETE',
        headers: { ...viewer.headers, [name]: 'GET' },
      });
      expect(asGet.status).toBe(403);
    }
    const still = await client.call(path, { headers: bearer(BOOTSTRAP_KEY) });
    expect(still.status).toBe(200);
  });
});
