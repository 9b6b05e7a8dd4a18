import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { SentrySink } from '../../support/sentry-sink';

const nowhere = { REDIS_URL: 'redis://127.0.0.1:1', DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c' };

const dist = resolve(__dirname, '../../../dist');

// A server as it is built, and what it has loaded of Sentry by then.
const count = `
const { readSettings } = require(${JSON.stringify(`${dist}/config/read-settings.js`)});
const { createServer } = require(${JSON.stringify(`${dist}/server.js`)});
createServer(readSettings({ ROLE: 'worker', LOG_LEVEL: 'silent', ...process.env })).then(() => {
  const loaded = Object.keys(require.cache).filter((path) => /[\\\\/]@sentry[\\\\/]/.test(path));
  const hooks = ['uncaughtException', 'unhandledRejection'].map((event) => process.listenerCount(event));
  console.log(JSON.stringify({ loaded: loaded.length, hooks }));
  process.exit(0);
});
`;

const withoutPackage = `
const { Module } = require('node:module');
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) => {
  if (name.startsWith('@sentry/')) throw Object.assign(new Error('not there'), { code: 'MODULE_NOT_FOUND' });
  return resolveFilename(name, ...rest);
};
const { ErrorReporter } = require(${JSON.stringify(`${dist}/platform/error-reporting/error-reporter.service.js`)});
const reporter = new ErrorReporter({ SENTRY_DSN: process.env.SENTRY_DSN, NODE_ENV: 'test', ROLE: 'worker' });
reporter.report(new Error('x'), () => ({ kind: 'job', group: [], tags: {} }));
console.log(JSON.stringify({ isOn: reporter.isOn }));
`;

describe('@sentry/node in a server as it is built', () => {
  let sink: SentrySink;
  beforeAll(async () => {
    sink = await SentrySink.open();
  });
  afterAll(() => sink.close());

  const run = async (program: string, settings: Record<string, string>) => {
    const { PATH = '', HOME = '' } = process.env;
    const env = { PATH, HOME, NODE_ENV: 'test', ...nowhere, ...settings };
    return promisify(execFile)(process.execPath, ['-e', program], { env });
  };

  it('is not loaded without an address', async () => {
    expect(JSON.parse((await run(count, {})).stdout)).toEqual({ loaded: 0, hooks: [0, 0] });
  });

  it('is loaded with one, and listens to nothing of the process', async () => {
    const { loaded, hooks } = JSON.parse((await run(count, { SENTRY_DSN: sink.dsn })).stdout) as {
      loaded: number;
      hooks: number[];
    };
    expect(loaded).toBeGreaterThan(0);
    expect(hooks).toEqual([0, 0]);
  });

  it('may be missing: one sentence says so, and the server goes on', async () => {
    const { stdout, stderr } = await run(withoutPackage, { SENTRY_DSN: sink.dsn });
    expect(stdout + stderr).toContain('SENTRY_DSN is set, but @sentry/node is not installed');
    expect(stdout).toContain('{"isOn":false}');
    expect(sink.requests).toBe(0);
  });
});
