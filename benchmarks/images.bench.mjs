// FILE_PROCESS, from a stored file to a stored file, beside sharp alone and a BullMQ worker that calls it.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { interleaved, JobCrew, startProgram } from './job-crew.mjs';

const SOURCES = 10;
const [WIDTH, HEIGHT, WISHED] = [2_400, 1_600, 800];

/** Photographs are neither flat nor noise: soft shapes with some grain on them. */
async function writePhotograph(path, number) {
  const grain = { type: 'gaussian', mean: 128, sigma: 30 };
  const create = (width, noise) => ({
    create: { width, height: Math.round((width * HEIGHT) / WIDTH), channels: 3, background: '#888', noise },
  });
  const shapes = await sharp(create(24 + number, { ...grain, sigma: 90 }))
    .resize(WIDTH, HEIGHT, { kernel: 'cubic', fit: 'fill' })
    .png()
    .toBuffer();
  const grained = await sharp(create(WIDTH, grain)).png().toBuffer();
  await sharp(shapes)
    .composite([{ input: grained, blend: 'soft-light' }])
    .jpeg({ quality: 88 })
    .toFile(path);
}

export async function run({ images = Number(process.env.BENCH_IMAGES ?? 1_000), rounds = 3 } = {}) {
  const crew = await JobCrew.start();
  const parallel = Math.max(2, availableParallelism());
  try {
    const output = join(crew.home, 'images');
    await mkdir(output);
    const files = Array.from({ length: SOURCES }, (_, number) => join(output, `source-${number}.jpg`));
    await Promise.all(files.map(writePhotograph));
    const ids = [];
    let bytes = 0;
    for (const file of files) {
      const form = new FormData();
      const content = await readFile(file);
      bytes += content.length / files.length;
      form.append('file', new Blob([content], { type: 'image/jpeg' }), 'photograph.jpg');
      ids.push((await crew.post('/api/files', form)).id);
    }
    const holdfast = (count) =>
      crew.drain(
        'file-process',
        Array.from({ length: count }, (_, number) => ({
          type: 'FILE_PROCESS',
          data: {
            filePath: ids[number % ids.length],
            operation: 'resize',
            options: { width: WISHED, format: 'jpeg', quality: 80 },
          },
        })),
      );
    const without = (variant) => async () => {
      const settings = { variant, files, count: images, width: WISHED, parallel, output };
      const { told } = startProgram('image-child.mjs', { ...settings, redisUrl: crew.stores.redisUrl });
      const { seconds } = await told;
      return images / seconds;
    };
    await holdfast(2 * parallel);
    const measured = await interleaved(
      rounds,
      {
        bare: without('bare'),
        bullmq: without('bullmq'),
        holdfast: async () => images / (await holdfast(images)),
      },
      ({ bare, bullmq, holdfast: ours }) => ({
        'bare sharp, images/s': bare,
        'BullMQ worker that calls sharp, images/s': bullmq,
        'FILE_PROCESS, images/s': ours,
        'ratio to bare sharp': ours / bare,
        'ratio to the BullMQ worker': ours / bullmq,
      }),
    );
    return {
      title: `Images, ${images.toLocaleString('en')} resized from ${WIDTH} × ${HEIGHT} to ${WISHED} pixels, ${parallel} at once, ${rounds} rounds`,
      measured,
      notes: [
        `JPEG of ${Math.round(bytes / 1_000)} kB on average; each decodes, resizes and encodes with one thread of libvips`,
        'Holdfast works in processes of their own, hashes each result, flushes it to the disk and notes it in PostgreSQL; the others do none of that',
        `peak resident: worker ${crew.workerMegabytes().toFixed(0)} MB, without its children`,
      ],
    };
  } finally {
    await crew.stop();
    await rm(crew.home, { recursive: true, force: true });
  }
}
