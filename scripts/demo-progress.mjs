import { setTimeout as pause } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';

const finished = ['completed', 'failed', 'cancelled'];
const pollMs = 250;
// The example takes a second; a machine on which it takes this long has another problem.
const deadlineMs = 300_000;
// Without a terminal a line for each change would be a flood.
const percentPerLine = 25;

/** Shows how far a run is until it is over, and resolves with its last state. */
export async function followRun(client, id) {
  const signal = AbortSignal.timeout(deadlineMs);
  const display = process.stdout.isTTY ? new Bar() : new Lines();
  try {
    await listen(client, id, signal, (run) => display.show(run));
  } catch {
    // The stream is a convenience; the run itself is asked below.
  }
  for (;;) {
    const run = await client.read(id);
    display.show(run);
    if (finished.includes(run.status)) {
      display.end();
      return run;
    }
    await pause(pollMs, undefined, { signal });
  }
}

/** Reads the run's server-sent events to their end. */
async function listen(client, id, signal, onRun) {
  const answer = await client.send(`/api/validations/${id}/events`, {
    headers: { accept: 'text/event-stream' },
  });
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of answer.body) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split('\n\n');
    text = events.pop();
    for (const event of events.map(parseEvent)) {
      if (event.name === 'end') return;
      if (typeof event.data?.progress === 'number') onRun(event.data);
    }
  }
}

function parseEvent(text) {
  const fields = Object.fromEntries(
    text.split('\n').map((line) => {
      const at = line.indexOf(': ');
      return at === -1 ? [line, ''] : [line.slice(0, at), line.slice(at + 2)];
    }),
  );
  return { name: fields.event, data: fields.data === undefined ? undefined : JSON.parse(fields.data) };
}

class Bar {
  constructor() {
    this.bar = new SingleBar({
      format: '{bar} {percentage} %  {stage}  {rows} rows',
      barCompleteChar: '█',
      barIncompleteChar: '░',
      hideCursor: true,
    });
    this.bar.start(100, 0, { stage: 'queued', rows: 0 });
  }

  show({ progress, stage, status, rows }) {
    this.bar.update(Math.floor(progress), { stage: stage ?? status, rows: rows.read });
  }

  end() {
    this.bar.stop();
  }
}

class Lines {
  constructor() {
    this.next = 0;
  }

  show({ progress, stage, status, rows }) {
    if (progress < this.next) return;
    this.next = (Math.floor(progress / percentPerLine) + 1) * percentPerLine;
    console.log(`${Math.floor(progress)} % ${stage ?? status}, ${rows.read} rows`);
  }

  end() {}
}
