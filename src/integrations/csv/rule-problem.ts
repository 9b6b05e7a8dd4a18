/** One mistake in a rule set: where (JSON pointer), what and how to correct it, and a word for programs. */
export interface RuleProblem {
  pointer: string;
  detail: string;
  code: string;
}

/** Runs a compiler and gives the sentence it refuses with, if it does. */
export function refusal(compile: () => unknown): string | undefined {
  try {
    compile();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'it cannot be used';
  }
}
