// From the call that adds a job to the call of its handler, on an idle queue: a bare BullMQ queue and worker, and the platform.
import { openBenchStores } from './bench-stores.mjs';
import { interleaved, startProgram } from './job-crew.mjs';

function percentile(values, share) {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)];
}

export async function run({ jobs = 500, warmUp = 500, rounds = 5 } = {}) {
  const stores = await openBenchStores({ database: false });
  const both = (round) => {
    const env = {
      NODE_ENV: 'test',
      HOLDFAST_HOME: stores.home,
      LOG_LEVEL: 'warn',
      REDIS_URL: stores.redisUrl,
      REDIS_PREFIX: `add-to-start-${round}`,
    };
    return startProgram('add-to-start-child.mjs', { jobs, warmUp }, env).told;
  };
  try {
    const measured = await interleaved(rounds, { both }, ({ both: { bare, platform } }) => ({
      'bare BullMQ, p50 ms': percentile(bare, 0.5),
      'platform, p50 ms': percentile(platform, 0.5),
      'ratio of the p50': percentile(platform, 0.5) / percentile(bare, 0.5),
      'bare BullMQ, p99 ms': percentile(bare, 0.99),
      'platform, p99 ms': percentile(platform, 0.99),
    }));
    return {
      title: `Add to start on an idle queue, ${jobs} jobs one after the other, ${rounds} rounds`,
      measured,
      notes: [
        'goal of the ratio of the p50: at most 1.3',
        'queues and workers in one process, a job of one after a job of the other; the payload is checked',
      ],
    };
  } finally {
    await stores.close();
  }
}
