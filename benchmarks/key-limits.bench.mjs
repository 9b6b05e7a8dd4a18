// No-op jobs of a thousand keys, stored and drained: a queue with limits per key beside the same queue without.
import { openBenchStores } from './bench-stores.mjs';
import { startProgram } from './job-crew.mjs';

// Until V8 has compiled what is measured.
const WARM_UP = 3;

function measuresOf({ plain, keyed }, jobs) {
  const total = ({ fill, drain }) => fill.seconds + drain.seconds;
  const cpu = ({ fill, drain }) => fill.cpuMicros + drain.cpuMicros + fill.redisMicros + drain.redisMicros;
  return {
    'without limits, stored and drained, jobs/s': jobs / total(plain),
    'with limits, stored and drained, jobs/s': jobs / total(keyed),
    'time a job, with limits to without': total(keyed) / total(plain),
    'CPU a job of both processes, with limits to without': cpu(keyed) / cpu(plain),
    'time to store, with limits to without': keyed.fill.seconds / plain.fill.seconds,
    'time to drain, with limits to without': keyed.drain.seconds / plain.drain.seconds,
    'Redis without limits, µs a job': plain.fill.redisMicros + plain.drain.redisMicros,
    'Redis with limits, µs a job': keyed.fill.redisMicros + keyed.drain.redisMicros,
    'process without limits, µs a job': plain.fill.cpuMicros + plain.drain.cpuMicros,
    'process with limits, µs a job': keyed.fill.cpuMicros + keyed.drain.cpuMicros,
  };
}

export async function run({ jobs = 5_000, keys = 1_000, rounds = 15 } = {}) {
  const stores = await openBenchStores({ database: false });
  const env = {
    NODE_ENV: 'test',
    HOLDFAST_HOME: stores.home,
    LOG_LEVEL: 'warn',
    REDIS_URL: stores.redisUrl,
    REDIS_PREFIX: 'key-limits',
  };
  try {
    const settings = { jobs, keys, parts: WARM_UP + rounds };
    const told = await startProgram('key-limits-child.mjs', settings, env).told;
    return {
      title: `${jobs.toLocaleString('en')} no-op jobs of ${keys.toLocaleString('en')} keys, concurrency 50, ${rounds} rounds`,
      measured: told.slice(WARM_UP).map((part) => measuresOf(part, jobs)),
      notes: [
        'each key has a rate and a concurrency that keep no job waiting',
        'both queues in one process, one after the other in each round; goal of the time a job: at most 1.15',
      ],
    };
  } finally {
    await stores.close();
  }
}
