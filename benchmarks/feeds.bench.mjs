// An import from the first byte of the feed to the last stored item, one job per item, beside what BullMQ alone takes to
// run as many jobs that do nothing.
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { interleaved, JobCrew, startProgram } from './job-crew.mjs';

// The end is read from the import, so that nobody has to ask often while it runs: a question costs as much as 20 items.
const LOOK_INTERVAL_MS = 250;
// Three times the batch: while one is stored another is gathered, and the jobs of a third end.
const CONCURRENCY = 300;
const DEADLINE_MS = 300_000;

function rss(items, round) {
  const entries = Array.from(
    { length: items },
    (_, at) =>
      `<item><guid isPermaLink="false">${round}-${at}</guid><title>Engineer number ${at}</title>` +
      `<link>https://jobs.example.org/${round}/${at}</link><category>remote</category>` +
      `<description>Position ${at} in a team that builds things &amp; keeps them running, in round ${round}.</description>` +
      `<pubDate>Mon, 05 Jan 2026 10:00:00 GMT</pubDate></item>`,
  );
  return `<?xml version="1.0"?><rss version="2.0"><channel><title>Jobs</title>${entries.join('')}</channel></rss>`;
}

export async function run({ items = Number(process.env.BENCH_ITEMS ?? 10_000), rounds = 3 } = {}) {
  // Made before anything is measured.
  const documents = new Map(
    ['warm', ...Array(rounds).keys()].map((round) => [`${round}`, rss(items, round)]),
  );
  const server = createServer((request, reply) => {
    const round = new URL(request.url, 'http://feeds').searchParams.get('round');
    reply.writeHead(200, { 'content-type': 'application/rss+xml' }).end(documents.get(round));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const crew = await JobCrew.start({
    OUTBOUND_ALLOW_ADDRESSES: '127.0.0.0/8',
    OUTBOUND_ALLOW_PORTS: String(port),
    WORKER_CONCURRENCY: String(CONCURRENCY),
  });
  const imported = async (round) => {
    const startedAt = Date.now();
    const { importId } = await crew.post('/api/imports/start', {
      url: `http://127.0.0.1:${port}/feed?round=${round}`,
    });
    for (;;) {
      const found = await (await fetch(`${crew.url}/api/imports/${importId}`)).json();
      if (found.status === 'completed')
        return { seconds: (Date.parse(found.sources[0].finishedAt) - startedAt) / 1_000, found };
      if (found.status === 'failed' || Date.now() - startedAt > DEADLINE_MS)
        throw new Error(`The import ended as ${JSON.stringify(found.sources)}`);
      await sleep(LOOK_INTERVAL_MS);
    }
  };
  const bare = async () => {
    const settings = { jobs: items, redisUrl: crew.stores.redisUrl, concurrency: 100 };
    return items / (await startProgram('feeds-child.mjs', settings).told).seconds;
  };
  const first = async (round) => {
    const { seconds, found } = await imported(round);
    if (found.totals.created !== items) throw new Error(`Stored ${found.totals.created} of ${items}.`);
    return items / seconds;
  };
  const again = async (round) => {
    const { seconds, found } = await imported(round);
    if (found.totals.skipped !== items) throw new Error(`Skipped ${found.totals.skipped} of ${items}.`);
    return items / seconds;
  };
  try {
    await first('warm');
    const measured = await interleaved(
      rounds,
      {
        'bare a': bare,
        // The same feed twice in a row, so that nothing of the second is new.
        holdfast: async (round) => ({ first: await first(round), again: await again(round) }),
        'bare b': bare,
      },
      (told) => {
        const limit = (told['bare a'] + told['bare b']) / 2;
        return {
          'bare BullMQ worker, jobs that do nothing, jobs/s': limit,
          'import, fetch to stored, items/s': told.holdfast.first,
          'ratio to the bare worker': told.holdfast.first / limit,
          'the same feed again, items/s': told.holdfast.again,
        };
      },
    );
    return {
      title: `Feeds, ${items.toLocaleString('en')} items from a loopback server, ${rounds} rounds`,
      measured,
      notes: [
        `WORKER_CONCURRENCY=${CONCURRENCY}; the bare worker runs 100 at a time`,
        'fetch, parser, rows, one job per item, upsert in batches of 100 and full-text index included; goal of the ratio: 0.60',
        `peak resident: worker ${crew.workerMegabytes().toFixed(0)} MB`,
      ],
    };
  } finally {
    await crew.stop();
    server.closeAllConnections();
    server.close();
  }
}
