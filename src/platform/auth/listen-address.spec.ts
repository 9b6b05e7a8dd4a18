import { readSettings } from '../../config/read-settings';
import { keyNotice, listenAddress, NoKeyError } from './listen-address';

const stores = { REDIS_URL: 'redis://r', DATABASE_URL: 'postgres://p/d' };
const production = { NODE_ENV: 'production', ...stores };

describe('where a server listens', () => {
  it('is this machine alone as long as there is no key', () => {
    expect(listenAddress(readSettings({}), 'open')).toBe('127.0.0.1');
    expect(listenAddress(readSettings({}), 'unknown')).toBe('127.0.0.1');
    expect(listenAddress(readSettings({ HOST: '127.0.0.2' }), 'open')).toBe('127.0.0.2');
  });

  it('is everywhere, or where the settings say, once there is a key', () => {
    expect(listenAddress(readSettings({}), 'closed')).toBe('0.0.0.0');
    expect(listenAddress(readSettings({ HOST: '10.0.0.1' }), 'closed')).toBe('10.0.0.1');
    expect(listenAddress(readSettings(production), 'closed')).toBe('0.0.0.0');
  });

  it('is nowhere in production without a key', () => {
    expect(() => listenAddress(readSettings(production), 'open')).toThrow(NoKeyError);
    expect(() => listenAddress(readSettings(production), 'open')).toThrow(/keys:create/);
  });

  it('is nowhere when more is asked for than is safe', () => {
    expect(() => listenAddress(readSettings({ HOST: '0.0.0.0' }), 'open')).toThrow(/HOST is 0\.0\.0\.0/);
  });

  it('waits in production for a database that is away: it answers 503 until the keys are known', () => {
    expect(listenAddress(readSettings(production), 'unknown')).toBe('0.0.0.0');
  });

  it('is told in one line when there is no key', () => {
    expect(keyNotice('open')).toContain('npm run keys:create -- --role admin');
    expect(keyNotice('closed')).toBeUndefined();
  });
});
