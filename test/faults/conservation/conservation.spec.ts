import * as fc from 'fast-check';
import { commands } from './commands';
import { World } from './world';

const sequences = 200;
const shortest = 10;
const longest = 30;

describe('accepted = completed + dead + waiting + prioritised + delayed + active + waiting-children + removed + expired', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.open();
  }, 60_000);

  afterAll(() => world.close());

  it(`holds after every step of ${sequences} random sequences`, async () => {
    const sequence = fc.array(fc.oneof(...commands), { minLength: shortest, maxLength: longest });
    const sums = { accepted: 0, completed: 0, dead: 0, cancelled: 0, removed: 0, expired: 0, steps: 0 };
    const property = fc.asyncProperty(sequence, async (steps) => {
      await world.clear();
      for (const step of steps) {
        await step.run(world);
        await world.check();
      }
      await world.checkDeadLetters();
      const { model } = world;
      sums.accepted += model.accepted;
      sums.removed += model.removed;
      sums.expired += model.expired;
      for (const state of ['completed', 'dead', 'cancelled'] as const) sums[state] += model.count(state);
      sums.steps += steps.length;
    });
    // A failure names its seed and the path to the shortest sequence that fails.
    const outcome = await fc.check(property, {
      numRuns: sequences,
      interruptAfterTimeLimit: 450_000,
    });
    const text = Object.entries(sums).map(([name, value]) => `${name}=${value}`);
    process.stdout.write(`I1 seed=${outcome.seed} sequences=${outcome.numRuns} ${text.join(' ')}\n`);
    if (outcome.failed) throw new Error(fc.defaultReportMessage(outcome), { cause: outcome.errorInstance });
    expect(outcome.numRuns).toBe(sequences);
  }, 500_000);
});
