// Drains a queue with BullMQ alone: its jobs do nothing, which is the most that items stored by jobs can be compared with.
import { Queue, Worker } from 'bullmq';

const { jobs, redisUrl, concurrency } = JSON.parse(process.argv[2]);
const connection = { url: redisUrl };
const queue = new Queue('bare-feeds', { connection });
for (let first = 0; first < jobs; first += 1_000)
  await queue.addBulk(
    Array.from({ length: Math.min(1_000, jobs - first) }, (_, at) => ({
      name: 'item',
      data: { source: 'https://feeds.example.org/feed', guid: `item-${first + at}` },
      opts: { attempts: 3, removeOnComplete: 1_000 },
    })),
  );
const worker = new Worker('bare-feeds', async () => null, { connection, concurrency, autorun: false });
let done = 0;
const ended = new Promise((resolve) => worker.on('completed', () => (done += 1) === jobs && resolve()));
const startedAt = performance.now();
void worker.run();
await ended;
const seconds = (performance.now() - startedAt) / 1_000;
await worker.close();
await queue.obliterate({ force: true });
await queue.close();
process.send({ seconds });
process.disconnect();
