// EMAIL_SEND through the whole platform beside a bare pool of nodemailer and a BullMQ worker around one; one mail server for all.
import { once } from 'node:events';
import { interleaved, JobCrew, startProgram } from './job-crew.mjs';

const CONNECTIONS = 5;

/** What the server has taken since it was last asked. */
async function taken(sink, change = {}) {
  sink.child.send(change);
  const [told] = await once(sink.child, 'message');
  return told.taken;
}

export async function run({
  mails = Number(process.env.BENCH_MAILS ?? 10_000),
  rounds = 3,
  delayMs = 20,
} = {}) {
  const sink = startProgram('mail-sink.mjs', { delayMs: 0 });
  const { port } = await sink.told;
  const crew = await JobCrew.start({
    SMTP_URL: `smtp://127.0.0.1:${port}`,
    SMTP_CONNECTIONS: String(CONNECTIONS),
    MAIL_FROM: 'Holdfast <mail@holdfast.example>',
  });
  let number = 0;
  const holdfast = (count) =>
    crew.drain(
      'email',
      Array.from({ length: count }, () => ({
        type: 'EMAIL_SEND',
        data: {
          to: `reader-${(number += 1)}@example.org`,
          subject: 'Hello',
          template: 'welcome',
          variables: { name: `Reader ${number}`, url: `https://example.org/${number}` },
        },
      })),
    );
  const without = async (variant, count) => {
    const settings = {
      variant,
      mails: count,
      connections: CONNECTIONS,
      port,
      redisUrl: crew.stores.redisUrl,
    };
    const { told } = startProgram('mail-child.mjs', settings);
    return (await told).seconds;
  };
  const counted = (delay, count, send) => async () => {
    await taken(sink, { delayMs: delay });
    const seconds = await send(count);
    const seen = await taken(sink);
    if (seen !== count) throw new Error(`The server took ${seen} mails instead of ${count}.`);
    return count / seconds;
  };
  const variants = (delay, count) => ({
    [`bare ${delay}`]: counted(delay, count, (some) => without('bare', some)),
    [`bullmq ${delay}`]: counted(delay, count, (some) => without('bullmq', some)),
    [`holdfast ${delay}`]: counted(delay, count, holdfast),
  });
  try {
    await holdfast(200);
    await taken(sink);
    const measured = await interleaved(
      rounds,
      { ...variants(0, mails), ...variants(delayMs, Math.ceil(mails / 5)) },
      (told) =>
        Object.fromEntries(
          [0, delayMs].flatMap((delay) => {
            const [bare, bullmq, ours] = ['bare', 'bullmq', 'holdfast'].map(
              (name) => told[`${name} ${delay}`],
            );
            const where = `server answers after ${delay} ms`;
            return [
              [`${where}: bare pool, mails/s`, bare],
              [`${where}: BullMQ worker around a pool, mails/s`, bullmq],
              [`${where}: EMAIL_SEND, mails/s`, ours],
              [`${where}: ratio to the bare pool`, ours / bare],
              [`${where}: ratio to the BullMQ worker`, ours / bullmq],
            ];
          }),
        ),
    );
    return {
      title: `Mail, ${mails.toLocaleString('en')} mails over ${CONNECTIONS} connections, ${rounds} rounds`,
      measured,
      notes: [
        'the bare pool sends one rendered mail again and again; the others render each, Holdfast also settles each recipient in PostgreSQL, on the same two cores',
        `a fifth of the mails to the server that takes its ${delayMs} ms`,
        `peak resident: worker ${crew.workerMegabytes().toFixed(0)} MB`,
      ],
    };
  } finally {
    await crew.stop();
    sink.child.disconnect();
  }
}
