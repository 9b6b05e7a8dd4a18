// EMAIL_SEND through the whole platform beside a bare pool of nodemailer and a BullMQ worker around one; one mail server for all.
import { once } from 'node:events';
import { interleaved, JobCrew, startProgram } from './job-crew.mjs';
import { processorMicros } from './processor-time.mjs';

const CONNECTIONS = 5;
// What a process that has just begun takes longer for is no matter of how mail is sent. V8 has compiled the last of
// what Holdfast does for a mail after some thousands; the others have as many.
const WARM_UP = 4_000;

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
  const holdfast = async (count) => {
    const jobs = Array.from({ length: count }, () => ({
      type: 'EMAIL_SEND',
      data: {
        to: `reader-${(number += 1)}@example.org`,
        subject: 'Hello',
        template: 'welcome',
        variables: { name: `Reader ${number}`, url: `https://example.org/${number}` },
      },
    }));
    const before = processorMicros(sink.child.pid);
    const { seconds, micros } = await crew.drainMeasured('email', jobs);
    const all = { ...micros, 'mail server': processorMicros(sink.child.pid) - before };
    const perMail = Object.entries(all).map(([name, spent]) => [name, spent / count]);
    return { seconds, seen: count, micros: Object.fromEntries(perMail) };
  };
  const without = async (variant, count) => {
    const settings = {
      variant,
      mails: count,
      warmUp: WARM_UP,
      connections: CONNECTIONS,
      port,
      redisUrl: crew.stores.redisUrl,
    };
    const { told } = startProgram('mail-child.mjs', settings);
    const { seconds, micros } = await told;
    return { seconds, seen: count + WARM_UP, micros: { process: micros / count } };
  };
  const counted = (delay, count, send) => async () => {
    await taken(sink, { delayMs: delay });
    const { seconds, seen, micros } = await send(count);
    const took = await taken(sink);
    if (took !== seen) throw new Error(`The server took ${took} mails instead of ${seen}.`);
    return { perSecond: count / seconds, micros };
  };
  const variants = (delay, count) => ({
    [`bare ${delay}`]: counted(delay, count, (some) => without('bare', some)),
    [`bullmq ${delay}`]: counted(delay, count, (some) => without('bullmq', some)),
    [`holdfast ${delay}`]: counted(delay, count, holdfast),
  });
  try {
    await holdfast(WARM_UP);
    await taken(sink);
    const measured = await interleaved(
      rounds,
      { ...variants(0, mails), ...variants(delayMs, Math.ceil(mails / 5)) },
      (told) =>
        Object.fromEntries(
          [0, delayMs].flatMap((delay) => {
            const all = ['bare', 'bullmq', 'holdfast'].map((name) => told[`${name} ${delay}`]);
            const [bare, bullmq, ours] = all.map(({ perSecond }) => perSecond);
            const spent = all[2].micros;
            const where = `server answers after ${delay} ms`;
            return [
              [`${where}: bare pool, mails/s`, bare],
              [`${where}: BullMQ worker around a pool, mails/s`, bullmq],
              [`${where}: EMAIL_SEND, mails/s`, ours],
              [`${where}: ratio to the bare pool`, ours / bare],
              [`${where}: ratio to the BullMQ worker`, ours / bullmq],
              [`${where}: bare pool, µs of processor time per mail`, all[0].micros.process],
              [`${where}: BullMQ worker, µs of processor time per mail`, all[1].micros.process],
              ...Object.entries(spent).map(([name, micros]) => [
                `${where}: EMAIL_SEND, µs of ${name} per mail`,
                micros,
              ]),
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
