import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateVAPIDKeys } from 'web-push';
import { readSettings, SettingsError } from './read-settings';
import { settingNames } from './settings';

const problemsOf = (environment: NodeJS.ProcessEnv): readonly string[] => {
  try {
    readSettings(environment);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
};

describe('settings', () => {
  it('need nothing outside production', () => {
    const settings = readSettings({});
    expect(settings).toMatchObject({ ROLE: 'all', port: 3000, hasKeyOfItsOwn: false, hasRedis: false });
    expect(settings.isQueueTestEnabled).toBe(true);
  });

  it('name every bad variable in one error', () => {
    const problems = problemsOf({
      ROLE: 'boss',
      PORT: '99999',
      REDIS_URL: 'http://x',
      SHUTDOWN_TIMEOUT_MS: 'soon',
    });
    expect(problems).toHaveLength(4);
    for (const name of ['ROLE', 'PORT', 'REDIS_URL', 'SHUTDOWN_TIMEOUT_MS']) {
      expect(problems.some((problem) => problem.includes(name))).toBe(true);
    }
  });

  it('refuse production without stores, naming both', () => {
    expect(problemsOf({ NODE_ENV: 'production' }).map((problem) => problem.split(' ')[0])).toEqual([
      'REDIS_URL',
      'DATABASE_URL',
    ]);
  });

  it.each([
    [{ JWT_JWKS_URL: 'https://issuer.example/keys' }, 'JWT_ISSUER'],
    [{ JWT_JWKS: '{"keys":[{"kty":"OKP"}]}', JWT_ISSUER: 'i' }, 'JWT_AUDIENCE'],
    [{ JWT_JWKS: '{"keys":[]}', JWT_ISSUER: 'i', JWT_AUDIENCE: 'a' }, 'JWT_JWKS'],
    [
      { JWT_JWKS_URL: 'http://issuer.example/keys', JWT_ISSUER: 'i', JWT_AUDIENCE: 'a' },
      'JWT_JWKS_URL must begin with https',
    ],
    [{ JWT_JWKS_URL: 'keys', JWT_ISSUER: 'i', JWT_AUDIENCE: 'a' }, 'JWT_JWKS_URL must be a URL'],
    [{ JWT_ALGORITHMS: 'none' }, 'JWT_ALGORITHMS'],
    [{ JWT_ALGORITHMS: 'RS256,HS256' }, 'JWT_ALGORITHMS'],
  ])('refuse %j, which would let a stranger sign', (environment, name) => {
    expect(problemsOf(environment)).toEqual([expect.stringContaining(name)]);
  });

  it.each([
    [{ LLM_API_KEY: 'key' }, 'LLM_BASE_URL is missing'],
    [{ LLM_MODEL: 'small' }, 'LLM_BASE_URL is missing'],
    [{ LLM_BASE_URL: 'http://127.0.0.1:11434/v1' }, 'LLM_MODEL is missing'],
    [{ LLM_BASE_URL: 'https://key@host.example/v1', LLM_MODEL: 'small' }, 'LLM_BASE_URL must be a URL'],
    [
      { LLM_BASE_URL: 'https://host.example/v1?key=1', LLM_MODEL: 'small' },
      'LLM_BASE_URL must not hold a query',
    ],
    [{ LLM_COST_PER_DAY: '5' }, 'LLM_COST_PER_DAY needs prices'],
    [{ LLM_COST_PER_DAY: '5.5.5' }, 'LLM_COST_PER_DAY must'],
    [
      { LLM_API_KEY: 'a key', LLM_BASE_URL: 'http://localhost/v1', LLM_MODEL: 'small' },
      'LLM_API_KEY must be',
    ],
  ])('refuse %j, with which no model can be asked', (environment: NodeJS.ProcessEnv, problem) => {
    expect(problemsOf(environment)).toEqual([expect.stringContaining(problem)]);
  });

  const { publicKey, privateKey } = generateVAPIDKeys();
  const vapid = { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey };
  const subject = { VAPID_SUBJECT: 'mailto:ada@example.org' };

  it('take the keys of web push, and need none', () => {
    expect(readSettings({ ...vapid, ...subject }).vapid).toEqual({
      publicKey,
      privateKey,
      subject: 'mailto:ada@example.org',
    });
    expect(readSettings({}).vapid).toBeUndefined();
  });

  it.each([
    [vapid, 'belong together'],
    [subject, 'belong together'],
    [{ ...vapid, ...subject, VAPID_PUBLIC_KEY: generateVAPIDKeys().publicKey }, 'does not belong to'],
    [{ ...vapid, ...subject, VAPID_PRIVATE_KEY: 'A'.repeat(43) }, 'does not belong to'],
    [{ ...vapid, VAPID_SUBJECT: 'https://localhost/contact' }, 'reach a person'],
    [{ ...vapid, VAPID_SUBJECT: 'mailto:ada@localhost' }, 'reach a person'],
    [{ ...vapid, VAPID_SUBJECT: 'ada@example.org' }, 'VAPID_SUBJECT must begin with'],
    [
      {
        ...vapid,
        ...subject,
        NODE_ENV: 'production',
        REDIS_URL: 'redis://a',
        DATABASE_URL: 'postgres://a/b',
      },
      'SECRETS_KEYS is missing',
    ],
  ])('refuse keys of web push that cannot be used, without showing them', (environment, problem) => {
    const problems = problemsOf(environment);
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems.join()).not.toContain(privateKey);
  });

  it('take an empty variable as not set', () => {
    expect(readSettings({ REDIS_URL: '', PORT: '' })).toMatchObject({ hasRedis: false, port: 3000 });
  });

  it('take networks and ports that may be called, and refuse what is none', () => {
    const settings = readSettings({
      OUTBOUND_ALLOW_ADDRESSES: '10.1.0.0/16,fd00:1::/64',
      OUTBOUND_ALLOW_PORTS: '443',
    });
    expect(settings).toMatchObject({
      outboundAddresses: ['10.1.0.0/16', 'fd00:1::/64'],
      outboundPorts: [443],
    });
    for (const OUTBOUND_ALLOW_ADDRESSES of [
      '10.1.0.0',
      '10.1.0.0/33',
      'example.com/8',
      '::/129',
      '10.0.0.0/8,',
    ]) {
      expect(problemsOf({ OUTBOUND_ALLOW_ADDRESSES })).toHaveLength(1);
    }
    for (const OUTBOUND_ALLOW_PORTS of ['0', '443,70000', '443;80']) {
      expect(problemsOf({ OUTBOUND_ALLOW_PORTS })).toHaveLength(1);
    }
  });

  it('refuse two ways to name Redis at once', () => {
    expect(problemsOf({ REDIS_URL: 'redis://a', REDIS_CLUSTER_NODES: 'b:1' })).toHaveLength(1);
  });

  it.each([
    ['REDIS_URL', 'redis://:s3cret%ZZ@127.0.0.1:6379'],
    ['REDIS_URL', 'redis://:s3cret@ho st:6379'],
    ['REDIS_URL', 'redis://:s3cret@127.0.0.1:99999'],
    ['REDIS_URL', 'redis://:s3cret@127.0.0.1:6379/first'],
    ['DATABASE_URL', 'postgres://me:s3cret%ZZ@127.0.0.1/x'],
    ['DATABASE_URL', 'postgres://me:s3cret@127.0.0.1:port/x'],
    ['HOLDFAST_BOOTSTRAP_KEY', 's3cret-of-16-characters\n'],
  ])('refuse a %s that cannot be used, without showing it', (name, value) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
    expect(problems[0]).not.toContain('s3cret');
  });

  it('take the ways in which an address may be written', () => {
    for (const REDIS_URL of ['redis://h', 'rediss://u:p%40ss@[::1]:6380/3', 'redis://:p@h/']) {
      expect(problemsOf({ REDIS_URL })).toEqual([]);
    }
    for (const DATABASE_URL of [
      'postgres://h/d',
      'postgresql://u:p%40@h:5433/d?sslmode=require',
      'postgres:///d',
    ]) {
      expect(problemsOf({ DATABASE_URL })).toEqual([]);
    }
  });

  it('give a worker a port of its own for its probes', () => {
    expect(readSettings({ ROLE: 'worker' }).port).toBe(3001);
  });

  it('are each explained in .env.example, and nothing else is', () => {
    const example = readFileSync(join(__dirname, '../../.env.example'), 'utf8');
    const named = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(named).toHaveLength(settingNames().length);
    expect(new Set(named)).toEqual(new Set(settingNames()));
  });
});
