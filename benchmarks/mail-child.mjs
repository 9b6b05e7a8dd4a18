// Sends mails without Holdfast: through a pool of nodemailer alone, or from a BullMQ worker as people write one.
import { createRequire } from 'node:module';
import { Queue, Worker } from 'bullmq';
import { createTransport } from 'nodemailer';

const require = createRequire(import.meta.url);
const { variant, mails, warmUp, connections, port, redisUrl } = JSON.parse(process.argv[2]);
const { renderMail } = require('../dist/workloads/tasks/render-mail.js');
const { shippedMailTemplates } = require('../dist/workloads/tasks/shipped-mail-templates.js');
const template = shippedMailTemplates.find(({ name }) => name === 'welcome');

const from = 'Holdfast <mail@holdfast.example>';
const pool = createTransport({
  pool: true,
  host: '127.0.0.1',
  port,
  maxConnections: connections,
  maxMessages: 1_000,
  disableFileAccess: true,
  disableUrlAccess: true,
});
const rendered = (number) =>
  renderMail(template, { name: `Reader ${number}`, url: `https://example.org/${number}` }, 'Hello');
const send = (number, { html, text, subject }) =>
  pool.sendMail({
    from,
    to: [`reader-${number}@example.org`],
    messageId: `<bench-${number}@holdfast.example>`,
    subject,
    html,
    text,
    headers: { 'Auto-Submitted': 'auto-generated' },
  });

/** Times the work; also the processor time of this process. */
async function measured(work) {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - startedAt) / 1_000, micros: user + system };
}

async function bare() {
  const composed = await rendered(0);
  const sendAll = async (count) => {
    let next = 0;
    const lane = async () => {
      while (next < count) await send(next++, composed);
    };
    await Promise.all(Array.from({ length: 2 * connections }, lane));
  };
  await sendAll(warmUp);
  return measured(() => sendAll(mails));
}

async function bullmq() {
  const connection = { url: redisUrl };
  const queue = new Queue('bare-mail', { connection });
  const add = async (count) => {
    for (let first = 0; first < count; first += 1_000)
      await queue.addBulk(
        Array.from({ length: Math.min(1_000, count - first) }, (_, at) => ({
          name: 'send',
          data: { number: first + at },
          opts: { attempts: 8, removeOnComplete: 1_000 },
        })),
      );
  };
  const worker = new Worker(
    'bare-mail',
    async ({ data }) => void (await send(data.number, await rendered(data.number))),
    { connection, concurrency: 2 * connections, autorun: false },
  );
  let left = 0;
  let onNoneLeft;
  worker.on('completed', () => (left -= 1) === 0 && onNoneLeft());
  const ended = (count) => {
    left = count;
    return new Promise((resolve) => (onNoneLeft = resolve));
  };
  await add(warmUp);
  void worker.run();
  await ended(warmUp);
  await queue.pause();
  await add(mails);
  const told = await measured(async () => {
    const all = ended(mails);
    await queue.resume();
    await all;
  });
  await worker.close();
  await queue.obliterate({ force: true });
  await queue.close();
  return told;
}

process.send(await (variant === 'bare' ? bare() : bullmq()));
pool.close();
process.disconnect();
