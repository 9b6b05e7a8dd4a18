import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { redisUsers } from '../../src/platform/redis/redis-rights';

/** Makes the user of `deploy/redis/users.acl` for one prefix, and the address under which a server is that user. */
export async function asHoldfastUser(adminUrl: string, prefix: string): Promise<string> {
  const line = redisUsers(prefix)
    .split('\n')
    .find((text) => text.startsWith('user holdfast '));
  const [, , ...rules] = (line ?? '').split(' ');
  const [name, password] = [`holdfast-${prefix}`, randomBytes(16).toString('hex')];
  const admin = new Redis(adminUrl);
  try {
    await admin.call('ACL', 'SETUSER', name, ...rules, `>${password}`);
  } finally {
    admin.disconnect();
  }
  const url = new URL(adminUrl);
  [url.username, url.password] = [name, password];
  return url.href;
}
