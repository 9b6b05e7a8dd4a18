import { StatementGatherer } from './statement-gatherer';

/** Runs that end when they are told to. */
function gathererInHand() {
  const runs: { inputs: readonly number[]; end: (error?: Error) => void }[] = [];
  const gatherer = new StatementGatherer<number, string>(
    (inputs) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error) => (error === undefined ? resolve(inputs.map(String)) : reject(error));
        runs.push({ inputs, end });
      }),
  );
  return { gatherer, runs };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('StatementGatherer', () => {
  it('runs what is asked in one turn together, and gives each its own answer', async () => {
    const { gatherer, runs } = gathererInHand();
    const answers = Promise.all([1, 2, 3].map((input) => gatherer.add(input)));
    await turn();
    expect(runs.map(({ inputs }) => inputs)).toEqual([[1, 2, 3]]);
    runs[0]?.end();
    expect(await answers).toEqual(['1', '2', '3']);
  });

  it('has two statements under way, and gathers the rest until one of them ends', async () => {
    const { gatherer, runs } = gathererInHand();
    const answers: Promise<string>[] = [];
    for (const input of [1, 2, 3, 4]) {
      answers.push(gatherer.add(input));
      await turn();
    }
    expect(runs.map(({ inputs }) => inputs)).toEqual([[1], [2]]);
    runs[1]?.end();
    await answers[1];
    await turn();
    await turn();
    expect(runs.map(({ inputs }) => inputs)).toEqual([[1], [2], [3, 4]]);
    runs.forEach(({ end }) => end());
    expect(await Promise.all(answers)).toEqual(['1', '2', '3', '4']);
  });

  it('fails only what spoils a statement, and everything when the database is away', async () => {
    const seen: number[] = [];
    const gatherer = new StatementGatherer<number, number>((inputs) => {
      seen.push(inputs.length);
      if (inputs.includes(0)) return Promise.reject(new Error('a zero'));
      if (inputs.includes(-1)) return Promise.reject(Object.assign(new Error('away'), { code: '57P01' }));
      return Promise.resolve(inputs);
    });
    const spoilt = await Promise.allSettled([1, 0, 2].map((input) => gatherer.add(input)));
    expect(spoilt.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(seen.splice(0)).toEqual([3, 1, 1, 1]);
    const lost = await Promise.allSettled([1, -1].map((input) => gatherer.add(input)));
    expect(lost.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(seen).toEqual([2]);
  });

  it('waits for company after a statement that carried several, and not after one that went alone', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const { gatherer, runs } = gathererInHand();
      const ask = async (...inputs: number[]) => {
        inputs.forEach((input) => void gatherer.add(input));
        await turn();
        return runs.map((run) => run.inputs);
      };
      expect(await ask(1)).toEqual([[1]]);
      expect(await ask(2, 3)).toEqual([[1], [2, 3]]);
      runs.forEach(({ end }) => end());
      await ask(4);
      expect(await ask(5)).toHaveLength(2);
      jest.advanceTimersByTime(20);
      expect(await ask()).toEqual([[1], [2, 3], [4, 5]]);
    } finally {
      jest.useRealTimers();
    }
  });

  it('takes no more than a hundred into one statement', async () => {
    const { gatherer, runs } = gathererInHand();
    const answers = Array.from({ length: 130 }, (_, input) => gatherer.add(input));
    await turn();
    await turn();
    expect(runs.map(({ inputs }) => inputs.length)).toEqual([100, 30]);
    runs.forEach(({ end }) => end());
    expect(await Promise.all(answers)).toHaveLength(130);
  });
});
