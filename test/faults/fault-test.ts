import { figuresLine, type Figures } from './figures';
import { Stage, type StageOptions } from './stage';
import { holdfast, naive, type Subject } from './subject';

export interface Fault {
  readonly id: string;
  readonly title: string;
  /** Breaks the subject and counts; written once, for all subjects. */
  readonly scenario: (stage: Stage) => Promise<Figures>;
  /** What must hold of the figures, each under the words by which it is reported. */
  readonly promises: Readonly<Record<string, (figures: Figures) => boolean>>;
  /** The promises that the naive variant breaks: a fault that breaks none proves nothing. */
  readonly naiveBreaks: readonly string[];
  readonly stage?: StageOptions;
  readonly timeoutMs?: number;
}

/** What every fault promises. */
export const nothingLost = { 'nothing is lost': ({ lost }: Figures) => lost === 0 };
export const effectsOnce = {
  'no effect happens twice': ({ duplicateEffects }: Figures) => duplicateEffects === 0,
};
export const noGhosts = { 'no job is there that nobody ordered': ({ ghosts }: Figures) => ghosts === 0 };
export const nothingPending = { 'nothing is left behind': ({ pending }: Figures) => pending === 0 };

/** A figure of this fault alone; fails the test when the scenario left it out. */
export function figure(figures: Figures, name: string): number {
  const value = figures[name];
  if (value === undefined) throw new Error(`The scenario has no figure "${name}".`);
  return value;
}

interface Outcome {
  readonly figures: Figures;
  readonly broken: string[];
}

async function run(fault: Fault, subject: Subject): Promise<Outcome> {
  const stage = new Stage(subject);
  try {
    await stage.open(fault.stage);
    const figures = await fault.scenario(stage);
    process.stdout.write(figuresLine(fault.id, subject.name, figures));
    const broken = Object.entries(fault.promises).filter(([, holds]) => !holds(figures));
    return { figures, broken: broken.map(([words]) => words) };
  } finally {
    await stage.close();
  }
}

/** Runs a fault against Holdfast, which keeps every promise, and beside it against the naive variant, which does not. */
export function testFault(fault: Fault): void {
  describe(`${fault.id}: ${fault.title}`, () => {
    let outcomes: PromiseSettledResult<Outcome>[];

    beforeAll(async () => {
      outcomes = await Promise.allSettled([holdfast, naive].map((subject) => run(fault, subject)));
    }, fault.timeoutMs ?? 300_000);

    it('keeps what is promised', () => {
      const { figures, broken } = valueOf(outcomes[0]);
      expect({ figures, broken }).toEqual({ figures, broken: [] });
    });

    it('is noticed where nothing protects', () => {
      const { figures, broken } = valueOf(outcomes[1]);
      expect({ figures, broken }).toEqual({
        figures,
        broken: expect.arrayContaining([...fault.naiveBreaks]),
      });
    });
  });
}

function valueOf(outcome: PromiseSettledResult<Outcome> | undefined): Outcome {
  if (outcome?.status === 'fulfilled') return outcome.value;
  throw outcome?.reason ?? new Error('The fault was not run.');
}
