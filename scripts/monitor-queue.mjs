// How many jobs of a queue are in which state: npm run queue:monitor -- --queue default
import { parseArgs } from 'node:util';
import { askRedis } from './redis-client.mjs';

function readOptions() {
  try {
    const { values } = parseArgs({ options: { queue: { type: 'string' }, domain: { type: 'string' } } });
    const { queue = 'validation' } = values;
    return { queue, domain: values.domain ?? queue };
  } catch (error) {
    console.error(`${error.message} The options are --queue <name> and, on a Cluster, --domain <name>.`);
    return process.exit(1);
  }
}

/** Lengths only, each of them known to Redis without a walk through the queue. */
async function count(redis, base) {
  const [wait, paused, prioritized, active, completed, failed, isKnown] = await Promise.all([
    redis.llen(`${base}:wait`),
    redis.llen(`${base}:paused`),
    redis.zcard(`${base}:prioritized`),
    redis.llen(`${base}:active`),
    redis.zcard(`${base}:completed`),
    redis.zcard(`${base}:failed`),
    redis.exists(`${base}:meta`),
  ]);
  return { waiting: wait + paused + prioritized, active, completed, failed, isKnown: isKnown === 1 };
}

const { queue, domain } = readOptions();
await askRedis(async (redis, { settings, queuePrefix }) => {
  const base = `${queuePrefix(settings, domain)}:${queue}`;
  const { waiting, active, completed, failed, isKnown } = await count(redis, base);
  if (!isKnown) console.error(`No server has used a queue "${queue}" here yet (${base}).`);
  console.log('Queue Status:');
  console.log(`  Waiting: ${waiting}`);
  console.log(`  Active: ${active}`);
  console.log(`  Completed: ${completed}`);
  console.log(`  Failed: ${failed}`);
});
