// Resizes images without Holdfast: sharp alone over files, or from a BullMQ worker as people write one.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Queue, Worker } from 'bullmq';
import sharp from 'sharp';

const { variant, files, count, width, parallel, output, redisUrl } = JSON.parse(process.argv[2]);
sharp.concurrency(1);
sharp.cache(false);

// The same pipeline as integrations/images.
const resize = async (number) =>
  sharp(await readFile(files[number % files.length]), { failOn: 'warning', sequentialRead: true })
    .autoOrient()
    .resize({ width, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: 80 })
    .toFile(join(output, `${variant}-${number}.jpg`));

// The first image of a process loads the decoder.
await Promise.all(Array.from({ length: parallel }, (_, number) => resize(number)));

async function bare() {
  const startedAt = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < count) await resize(next++);
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return (performance.now() - startedAt) / 1_000;
}

async function bullmq() {
  const connection = { url: redisUrl };
  const queue = new Queue('bare-images', { connection });
  await queue.addBulk(
    Array.from({ length: count }, (_, number) => ({
      name: 'resize',
      data: { number },
      opts: { removeOnComplete: true },
    })),
  );
  const worker = new Worker('bare-images', async ({ data }) => void (await resize(data.number)), {
    connection,
    concurrency: parallel,
    autorun: false,
  });
  let done = 0;
  const ended = new Promise((resolve) => worker.on('completed', () => (done += 1) === count && resolve()));
  const startedAt = performance.now();
  void worker.run();
  await ended;
  const seconds = (performance.now() - startedAt) / 1_000;
  await worker.close();
  await queue.obliterate({ force: true });
  await queue.close();
  return seconds;
}

const seconds = await (variant === 'bare' ? bare() : bullmq());
process.send({ seconds });
process.disconnect();
