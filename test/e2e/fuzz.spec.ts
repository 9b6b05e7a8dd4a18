import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { Agent, request as send, type IncomingHttpHeaders } from 'node:http';
import { sql } from 'drizzle-orm';
import { Database } from '../../src/platform/database/database.service';
import { QueueRegistry } from '../../src/platform/queue/queue-registry.service';
import { AuthorizationScene, BOOTSTRAP_KEY } from '../support/authorization-scene';
import {
  operationsOf,
  requestsTo,
  resolverOf,
  type FuzzRequest,
  type Operation,
} from '../support/fuzz/requests';

const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 5_000);
// The same in every run of the suite; `npm run fuzz` takes another each time, and more requests.
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const AT_A_TIME = 16;
const ANSWER_DEADLINE_MS = 30_000;

// They act on a worker of this process, whose jobs would change what is counted; their own spec has them.
const leftOut = new Set(['POST /api/queue/test']);

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly isStream: boolean;
}

describe('requests made from the OpenAPI document', () => {
  let scene: AuthorizationScene;
  let operations: Operation[];
  let requests: FuzzRequest[];
  const validators = new Map<string, ValidateFunction>();
  const agent = new Agent({ keepAlive: true, maxSockets: AT_A_TIME });
  let keys: string[];
  let ajv: Ajv2020;

  beforeAll(async () => {
    scene = await AuthorizationScene.start();
    keys = [
      BOOTSTRAP_KEY,
      await scene.key({ role: 'viewer' }),
      await scene.key({ role: 'admin', tenant: 'acme' }),
      'nonsense',
    ];
    const document = JSON.parse(
      (await ask('GET', '/openapi.json', { authorization: `Bearer ${BOOTSTRAP_KEY}` })).text,
    ) as never;
    ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: true });
    addFormats(ajv);
    ajv.addSchema({ $id: 'openapi', ...(document as object) });
    operations = operationsOf(document).filter(({ method, path }) => !leftOut.has(`${method} ${path}`));
    const resolve = resolverOf(document);
    const callers = keys.length;
    const each = Math.ceil(REQUESTS / operations.length);
    requests = operations.flatMap((operation, at) =>
      fc.sample(requestsTo(operation, { resolve, known, callers }), { numRuns: each, seed: SEED + at }),
    );
    process.stdout.write(`fuzz seed=${SEED} operations=${operations.length} requests=${requests.length}\n`);
  }, 60_000);

  afterAll(async () => {
    agent.destroy();
    await scene.server.close();
  });

  /** What exists under a parameter of a path, where something does. */
  function known(path: string, name: string): string {
    const { ids } = scene;
    const [, kind = ''] = /\/(jobs|dead-letters|operations|validations|fleet)\/\{id\}/.exec(path) ?? [];
    const things: Record<string, string> = {
      jobs: ids.job,
      'dead-letters': ids.deadLetter,
      operations: ids.operation,
      validations: ids.run,
      fleet: ids.aircraft,
    };
    const others: Record<string, string> = {
      kid: ids.key,
      name: ids.ruleSet,
      queue: 'default',
      slug: 'not-found',
    };
    return (name === 'id' ? things[kind] : others[name]) ?? 'nothing';
  }

  function ask(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<Answered> {
    const { hostname, port } = new URL(scene.server.url);
    return new Promise((resolve, reject) => {
      const request = send({ agent, hostname, port, path, method, headers, timeout: ANSWER_DEADLINE_MS });
      request.on('timeout', () =>
        request.destroy(new Error(`${method} ${path.slice(0, 200)} was not answered.`)),
      );
      request.on('error', reject).on('response', (response) => {
        const { statusCode: status = 0, headers: given } = response;
        // A stream of events goes on for ever: what it begins with is enough.
        if (given['content-type']?.startsWith('text/event-stream') === true && status === 200) {
          request.destroy();
          return resolve({ status, headers: given, text: '', isStream: true });
        }
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status, headers: given, text: Buffer.concat(chunks).toString('utf8'), isStream: false }),
        );
      });
      request.end(body);
    });
  }

  const sent = ({ operation: { method }, who, path, headers, body }: FuzzRequest) =>
    ask(
      method,
      path,
      {
        ...headers,
        authorization: `Bearer ${keys[who]}`,
        ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
      },
      body,
    );

  async function all<T>(things: readonly T[], work: (thing: T) => Promise<void>): Promise<void> {
    const waiting = [...things];
    const lane = async () => {
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) await work(one);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  }

  /** What is wrong with an answer, in the eyes of the document; undefined when nothing is. */
  function fault(request: FuzzRequest, { status, headers, text, isStream }: Answered): string | undefined {
    if (status >= 500) return `a fault of the server: ${text.slice(0, 300)}`;
    const operation = addressed(request);
    const declared = operation.responses[status];
    if (declared === undefined) return `status ${status} is not declared: ${text.slice(0, 300)}`;
    if (isStream || text === '' || status === 304) return undefined;
    const [type = ''] = (headers['content-type'] ?? '').split(';');
    const content = declared.content?.[type];
    if (content === undefined)
      return `the type ${type} of ${status} is not declared: ${Object.keys(declared.content ?? {}).join()}`;
    if (!type.endsWith('json') || content.schema === undefined) return undefined;
    const validate = validatorOf(operation, status, type);
    return validate(JSON.parse(text))
      ? undefined
      : `the body of ${status} is not as declared: ${ajv.errorsText(validate.errors)}: ${text.slice(0, 300)}`;
  }

  /** A word in place of an id may be the last part of another path. */
  function addressed({ operation, path }: FuzzRequest): Operation {
    const [plain] = path.split('?');
    return operations.find((one) => one.method === operation.method && one.path === plain) ?? operation;
  }

  function validatorOf({ method, path }: Operation, status: number, type: string): ValidateFunction {
    const part = (text: string) => text.replaceAll('~', '~0').replaceAll('/', '~1');
    const pointer = [
      'paths',
      part(path),
      method.toLowerCase(),
      'responses',
      String(status),
      'content',
      part(type),
      'schema',
    ];
    const ref = `openapi#/${pointer.map(encodeURIComponent).join('/')}`;
    const found = validators.get(ref) ?? ajv.compile({ $ref: ref });
    validators.set(ref, found);
    return found;
  }

  async function census(): Promise<Record<string, unknown>> {
    const { app } = scene.server;
    const counts = await Promise.all(
      app
        .get(QueueRegistry)
        .all()
        .map(async ({ definition, queue }) => [definition.name, await queue.getJobCounts()] as const),
    );
    const tables = [
      'dead_letters',
      'api_keys',
      'rule_sets',
      'operations',
      'validation_runs',
      'stored_files',
      'outbox',
      'fleet_aircraft',
      'fleet_bookings',
    ];
    const { rows } = await app
      .get(Database)
      .query.execute(
        sql.raw(
          `SELECT ${tables.map((table) => `(SELECT count(*)::int FROM ${table}) AS ${table}`).join(', ')}`,
        ),
      );
    return { ...Object.fromEntries(counts), ...rows[0] };
  }

  it('are answered as it says, never with a fault of the server; and what is refused changes nothing', async () => {
    const faults = new Map<string, string>();
    const refused: FuzzRequest[] = [];
    const statuses: Record<string, number> = {};
    await all(requests, async (request) => {
      const answer = await sent(request);
      const { method, path } = request.operation;
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (answer.status >= 400) refused.push(request);
      const found = fault(request, answer);
      if (found !== undefined) {
        const example = `${request.path.slice(0, 300)} ${JSON.stringify(request.headers).slice(0, 200)} ${(request.body ?? '').slice(0, 300)}`;
        faults.set(`${method} ${path}: ${found.slice(0, 60)}`, `${found}\n  ${example}`);
      }
    });
    process.stdout.write(`fuzz answers ${JSON.stringify(statuses)}\n`);
    expect([...faults].map(([kind, detail]) => `${kind}\n  ${detail}`)).toEqual([]);

    // Once more, alone: whatever is refused now as well must leave everything as it is.
    const stillRefused: FuzzRequest[] = [];
    await all(refused, async (request) => {
      if ((await sent(request)).status >= 400) stillRefused.push(request);
    });
    const before = await census();
    let changed = 0;
    await all(stillRefused, async (request) => {
      if ((await sent(request)).status < 400) changed += 1;
    });
    expect(changed).toBe(0);
    expect(await census()).toEqual(before);
    expect(stillRefused.length).toBeGreaterThan(REQUESTS / 4);
  }, 240_000);
});
