// Says in five lines, those of document 002, whether the configured Redis can be used; exit code 1 when it cannot.
import { randomUUID } from 'node:crypto';
import { askRedis, NoRedisError } from './redis-client.mjs';

// A test that is killed leaves nothing for longer.
const keyLifeMs = 10_000;

async function isValueKept(redis, key) {
  const value = randomUUID();
  await redis.set(key, value, 'PX', keyLifeMs);
  const read = await redis.get(key);
  await redis.del(key);
  return read === value;
}

await askRedis(async (redis, { settings, platformKey }) => {
  console.log('✓ Successfully connected to Redis');
  console.log('✓ Redis client ready');
  console.log(`✓ PING test: ${await redis.ping()}`);
  if (!(await isValueKept(redis, platformKey(settings, `redis-test:${randomUUID()}`)))) {
    throw new NoRedisError(
      'SET/GET test: FAILED; Redis does not keep what it accepts: look at maxmemory-policy.',
    );
  }
  console.log('✓ SET/GET test: PASSED');
  console.log('✓ Redis is working correctly!');
});
