// FILE_PROCESS, from a stored file to a stored file, beside sharp alone and a BullMQ worker that calls it.
import { mkdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { interleaved, JobCrew, startProgram } from './job-crew.mjs';

const SOURCES = 10;
const WISHED = 800;
// What a phone makes: 12 megapixels in 3.4 MB. The small one shows what a job costs beside its image.
const sizes = { '12 MP': { width: 4_000, height: 3_000 }, '4 MP': { width: 2_400, height: 1_600 } };

/** Photographs are neither flat nor noise: soft shapes with some grain on them, 2.3 bits a pixel as cameras have it. */
async function writePhotograph(path, number, { width: WIDTH, height: HEIGHT }) {
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

/** Stores the photographs of a size; what the variants without Holdfast read lies in `folder`. */
async function store(crew, folder, size) {
  await mkdir(folder);
  const files = Array.from({ length: SOURCES }, (_, number) => join(folder, `source-${number}.jpg`));
  await Promise.all(files.map((file, number) => writePhotograph(file, number, size)));
  const ids = [];
  let bytes = 0;
  for (const file of files) {
    const form = new FormData();
    const content = await readFile(file);
    bytes += content.length / files.length;
    form.append('file', new Blob([content], { type: 'image/jpeg' }), 'photograph.jpg');
    ids.push((await crew.post('/api/files', form)).id);
  }
  return { files, ids, bytes };
}

function jobsFor(ids, count) {
  const options = { width: WISHED, format: 'jpeg', quality: 80 };
  return Array.from({ length: count }, (_, number) => ({
    type: 'FILE_PROCESS',
    data: { filePath: ids[number % ids.length], operation: 'resize', options },
  }));
}

export async function run({ images = Number(process.env.BENCH_IMAGES ?? 1_000), rounds = 3 } = {}) {
  const crew = await JobCrew.start();
  const parallel = Math.max(2, availableParallelism());
  try {
    const variants = {};
    const kilobytes = [];
    for (const [name, size] of Object.entries(sizes)) {
      const output = join(crew.home, name.replace(' ', '-'));
      const { files, ids, bytes } = await store(crew, output, size);
      kilobytes.push(`${name}: ${Math.round(bytes / 1_000)} kB`);
      const without = (variant) => async () => {
        const settings = { variant, files, count: images, width: WISHED, parallel, output };
        const { told } = startProgram('image-child.mjs', { ...settings, redisUrl: crew.stores.redisUrl });
        return images / (await told).seconds;
      };
      variants[`${name}: bare sharp`] = without('bare');
      variants[`${name}: BullMQ worker that calls sharp`] = without('bullmq');
      variants[`${name}: FILE_PROCESS`] = async () => {
        // The processes of the pool, as those of the others have their first images behind them.
        await crew.drain('file-process', jobsFor(ids, 2 * parallel));
        return images / (await crew.drain('file-process', jobsFor(ids, images)));
      };
    }
    const measured = await interleaved(rounds, variants, (told) =>
      Object.fromEntries(
        Object.keys(sizes).flatMap((name) => {
          const of = (what) => told[`${name}: ${what}`];
          const ours = of('FILE_PROCESS');
          return [
            [`${name}: bare sharp, images/s`, of('bare sharp')],
            [`${name}: BullMQ worker that calls sharp, images/s`, of('BullMQ worker that calls sharp')],
            [`${name}: FILE_PROCESS, images/s`, ours],
            [`${name}: ratio to bare sharp`, ours / of('bare sharp')],
            [`${name}: ratio to the BullMQ worker`, ours / of('BullMQ worker that calls sharp')],
          ];
        }),
      ),
    );
    return {
      title: `Images, ${images.toLocaleString('en')} of each size resized to ${WISHED} pixels, ${parallel} at once, ${rounds} rounds`,
      measured,
      notes: [
        `JPEG, ${kilobytes.join(', ')} on average; each decodes, resizes and encodes with one thread of libvips`,
        'Holdfast works in processes of their own, hashes each result, flushes it to the disk and notes it in PostgreSQL; the others do none of that',
        `peak resident: worker ${crew.workerMegabytes().toFixed(0)} MB, without its children`,
      ],
    };
  } finally {
    await crew.stop();
    await rm(crew.home, { recursive: true, force: true });
  }
}
