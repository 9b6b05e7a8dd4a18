// Sends mails without Holdfast: through a pool of nodemailer alone, or from a BullMQ worker as people write one.
import { createRequire } from 'node:module';
import { Queue, Worker } from 'bullmq';
import { createTransport } from 'nodemailer';

const require = createRequire(import.meta.url);
const { variant, mails, connections, port, redisUrl } = JSON.parse(process.argv[2]);
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

async function bare() {
  const composed = await rendered(0);
  const startedAt = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < mails) await send(next++, composed);
  };
  await Promise.all(Array.from({ length: 2 * connections }, lane));
  return (performance.now() - startedAt) / 1_000;
}

async function bullmq() {
  const connection = { url: redisUrl };
  const queue = new Queue('bare-mail', { connection });
  for (let first = 0; first < mails; first += 1_000)
    await queue.addBulk(
      Array.from({ length: Math.min(1_000, mails - first) }, (_, at) => ({
        name: 'send',
        data: { number: first + at },
        opts: { attempts: 8, removeOnComplete: 1_000 },
      })),
    );
  const worker = new Worker(
    'bare-mail',
    async ({ data }) => void (await send(data.number, await rendered(data.number))),
    { connection, concurrency: 2 * connections, autorun: false },
  );
  let done = 0;
  const ended = new Promise((resolve) => worker.on('completed', () => (done += 1) === mails && resolve()));
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
pool.close();
process.disconnect();
