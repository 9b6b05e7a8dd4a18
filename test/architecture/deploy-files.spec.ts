import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { load, YAML11_SCHEMA } from 'js-yaml';
import { readSettings } from '../../src/config/read-settings';
import { Settings, settingNames } from '../../src/config/settings';

const root = resolve(__dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const shutdownTimeoutMs = new Settings().SHUTDOWN_TIMEOUT_MS;

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Record<string, string>;
  readonly stop_grace_period?: string;
  readonly depends_on?: Record<string, { condition: string }>;
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly ports?: readonly string[];
}

interface Pm2App {
  readonly name: string;
  readonly script: string;
  readonly instances: number;
  readonly kill_timeout: number;
  readonly env: Record<string, string | number>;
  readonly env_production: Record<string, string>;
}

// Values of the length and form that a person would give.
const given: Record<string, string> = {
  REDIS_PASSWORD: 'a-redis-password',
  POSTGRES_PASSWORD: 'a-postgres-password',
  HOLDFAST_BOOTSTRAP_KEY: 'a-key-of-at-least-16',
};
const interpolated = /\$\{([A-Z_]+)(?:(:[-?])([^}]*))?\}/g;

/** What Compose makes of `${NAME:?text}` and `${NAME:-default}`. */
const filledIn = (text: string) =>
  text.replace(interpolated, (_all, name: string, kind?: string, rest?: string) =>
    String(given[name] ?? (kind === ':-' ? rest : '')),
  );

describe('docker-compose.yml', () => {
  const text = read('docker-compose.yml');
  const compose = load(text, { schema: YAML11_SCHEMA }) as {
    services: Record<string, Service>;
    volumes: Record<string, unknown>;
  };
  const { app, 'queue-worker': worker, redis, postgres } = compose.services;
  const servers = { app, 'queue-worker': worker };

  it('has the services app, queue-worker, redis and postgres, and no other', () => {
    expect(Object.keys(compose.services).toSorted()).toEqual(['app', 'postgres', 'queue-worker', 'redis']);
  });

  it('gives Redis an append-only file on a volume, a password, and no eviction', () => {
    const options = (redis?.command ?? []).join(' ');
    expect(options).toMatch(/^redis-server /);
    expect(options).toContain('--appendonly yes');
    expect(options).toContain('--maxmemory-policy noeviction');
    expect(options).toContain('--requirepass ${REDIS_PASSWORD:?');
    expect(redis?.volumes).toContain('redis:/data');
    expect(redis?.ports).toBeUndefined();
  });

  it.each(Object.entries(servers))('waits longer for %s than its jobs may take to stop', (_name, service) => {
    const [, seconds] = /^(\d+)s$/.exec(service?.stop_grace_period ?? '') ?? [];
    expect(Number(seconds) * 1_000).toBeGreaterThan(shutdownTimeoutMs);
  });

  it.each(Object.entries(servers))(
    'gives %s settings that exist, and with which it starts',
    (_name, service) => {
      const environment = service?.environment ?? {};
      expect(Object.keys(environment).filter((name) => !settingNames().includes(name))).toEqual([]);
      const values = Object.entries(environment).map(([name, value]) => [name, filledIn(value)]);
      const settings = readSettings(Object.fromEntries(values));
      expect(settings).toMatchObject({
        isProduction: true,
        hasRedis: true,
        hasKeyOfItsOwn: true,
        HOST: '0.0.0.0',
      });
      expect(new URL(settings.REDIS_URL ?? '')).toMatchObject({
        hostname: 'redis',
        password: given['REDIS_PASSWORD'],
      });
      const database = new URL(settings.DATABASE_URL ?? '');
      const { POSTGRES_USER, POSTGRES_DB } = postgres?.environment ?? {};
      expect([database.hostname, database.username, database.pathname]).toEqual([
        'postgres',
        POSTGRES_USER,
        `/${POSTGRES_DB}`,
      ]);
    },
  );

  it('runs one role per server, on the same storage, after both stores', () => {
    expect([app?.environment?.['ROLE'], worker?.environment?.['ROLE']]).toEqual(['api', 'worker']);
    for (const service of [app, worker]) {
      expect(service?.volumes).toContain(`storage:${service?.environment?.['HOLDFAST_HOME']}`);
      expect(Object.keys(service?.depends_on ?? {}).toSorted()).toEqual(['postgres', 'redis']);
    }
    // Five workers cannot share one port of the host.
    expect(worker?.ports).toBeUndefined();
  });

  it('asks each server on the port it listens on', () => {
    for (const service of [app, worker]) {
      const [, program, script, address] = service?.healthcheck?.test ?? [];
      expect([program, existsSync(join(root, script ?? ''))]).toEqual(['node', true]);
      expect(new URL(address ?? '').port).toBe(service?.environment?.['PORT']);
    }
  });

  it('leaves to the caller only what is a setting or belongs to the database image', () => {
    const names = [...text.matchAll(interpolated)].map(([, name = '']) => name);
    const unknown = names.filter((name) => !settingNames().includes(name) && name !== 'POSTGRES_PASSWORD');
    expect(unknown).toEqual([]);
  });

  it('declares every volume that a service names', () => {
    const used = Object.values(compose.services).flatMap(({ volumes = [] }) =>
      volumes.map((volume) => volume.split(':')[0]),
    );
    expect(new Set(used)).toEqual(new Set(Object.keys(compose.volumes)));
  });
});

describe('Dockerfile', () => {
  const lines = read('Dockerfile').split('\n');
  const ignored = new Set(read('.dockerignore').split('\n').filter(Boolean));
  const copied = lines
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(' ').slice(1, -1));

  it('copies only what exists and is not kept out of the build', () => {
    expect(copied.length).toBeGreaterThan(0);
    expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(copied.filter((path) => ignored.has(path.split('/')[0] ?? ''))).toEqual([]);
  });

  it('copies from another stage only under a name that a stage has', () => {
    const stages = lines.flatMap((line) => / AS (\w+)$/.exec(line)?.[1] ?? []);
    const wanted = lines.flatMap((line) => /--from=(\w+)/.exec(line)?.[1] ?? []);
    expect(wanted.filter((name) => !stages.includes(name))).toEqual([]);
  });

  it('starts what the build makes, and has the probe that Compose calls', () => {
    const [, command = '[]'] = /^CMD (.*)$/m.exec(lines.join('\n')) ?? [];
    expect((JSON.parse(command) as string[]).at(-1)).toBe('dist/main.js');
    expect(existsSync(join(root, 'src/main.ts'))).toBe(true);
    expect(copied).toContain('scripts/probe.mjs');
  });

  it('sets only settings', () => {
    const names = lines.flatMap((line) =>
      line.startsWith('ENV ') ? [...line.matchAll(/(\w+)=/g)].map(([, name = '']) => name) : [],
    );
    expect(names.filter((name) => !settingNames().includes(name))).toEqual([]);
  });
});

describe('ecosystem.config.cjs', () => {
  // oxlint-disable-next-line typescript/no-require-imports -- PM2 loads it this way
  const { apps } = require(join(root, 'ecosystem.config.cjs')) as { apps: readonly Pm2App[] };

  it('runs the six processes of document 002', () => {
    expect(apps.reduce((sum, { instances }) => sum + instances, 0)).toBe(6);
    expect(new Set(apps.map(({ name }) => name)).size).toBe(apps.length);
  });

  it('starts the built server in production, with settings that exist', () => {
    for (const { script, env, env_production } of apps) {
      expect(script).toBe('dist/main.js');
      expect(env_production).toEqual({ NODE_ENV: 'production' });
      expect(Object.keys(env).filter((name) => !settingNames().includes(name))).toEqual([]);
      expect(() =>
        readSettings(Object.fromEntries(Object.entries(env).map(([k, v]) => [k, `${v}`]))),
      ).not.toThrow();
    }
  });

  it('waits longer for a process than its jobs may take to stop', () => {
    for (const { kill_timeout } of apps) expect(kill_timeout).toBeGreaterThan(shutdownTimeoutMs);
  });
});

describe('the commands in the documentation', () => {
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(join(root, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name)),
  ];
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

  it.each(documents)('exist as npm scripts: %s', (document) => {
    const called = [...read(document).matchAll(/npm (?:run ([\w:-]+)|(test|start)\b)/g)];
    const names = called.map(([, named, plain]) => named ?? plain ?? '');
    expect(names.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it.each(documents)('and every file that is linked is there: %s', (document) => {
    const links = [...read(document).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !existsSync(resolve(root, document, '..', path)))).toEqual([]);
  });
});
