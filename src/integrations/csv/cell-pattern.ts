import type { RE2JS } from 're2js';
import { charactersIn, isAscii, textOf } from './cell-text';
import { parseAtoms, type Atom } from './pattern-atoms';

/** Raised for a pattern that is not RE2 syntax or too large; the message says which. */
export class PatternError extends Error {
  override name = 'PatternError';
}

/** Decides whether a cell's bytes match a pattern as a whole. */
export type PatternTest = (bytes: Uint8Array, start: number, end: number) => boolean;

// The time of one match grows with instructions × characters: both are bounded, so a match takes milliseconds at worst.
const maxInstructions = 1000;
const maxCharacters = 4096;

/**
 * Compiles a pattern into a test whose time grows with the length of the cell only, whatever the pattern: plain sequences
 * of characters run on the bytes, everything else in RE2JS. Cells above 4,096 characters never match. Throws PatternError.
 */
export function compilePattern(source: string): PatternTest {
  const atoms = parseAtoms(source);
  let expression = atoms === undefined ? compileExpression(source) : undefined;
  const slow: PatternTest = (bytes, start, end) => {
    if (charactersIn(bytes, start, end) > maxCharacters) return false;
    expression ??= compileExpression(source);
    return expression.matches(textOf(bytes, start, end));
  };
  return atoms === undefined ? slow : atomTest(atoms, slow);
}

// Every caller of the server waits meanwhile; patterns as people write them take less than a millisecond each.
const maxCheckMs = 300;

/** Checks the patterns of one rule set, each different one once, and all of them within 0.3 s of work. */
export class PatternChecks {
  private readonly outcomes = new Map<string, PatternError | undefined>();
  private spentMs = 0;

  /** Throws PatternError for a pattern that cannot be used, as `compilePattern` would sooner or later. */
  check(source: string): void {
    if (!this.outcomes.has(source)) this.outcomes.set(source, this.tryOut(source));
    const error = this.outcomes.get(source);
    if (error !== undefined) throw error;
  }

  private tryOut(source: string): PatternError | undefined {
    if (this.spentMs > maxCheckMs) {
      return new PatternError(
        'The patterns of this rule set take too long to prepare; use fewer or simpler ones.',
      );
    }
    const spent = startClock();
    try {
      compileExpression(source);
      return undefined;
    } catch (error) {
      if (error instanceof PatternError) return error;
      throw error;
    } finally {
      this.spentMs += spent();
    }
  }
}

/**
 * Milliseconds of work since the start: by the clock at most, and by the processor at most. On a starved machine the clock
 * runs while nothing happens here; beside busy threads the processor time of the process is not ours alone.
 */
function startClock(): () => number {
  const startedAt = performance.now();
  const usedBefore = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(usedBefore);
    return Math.min(performance.now() - startedAt, (user + system) / 1_000);
  };
}

function compileExpression(source: string): RE2JS {
  // Loaded on demand: a rule set without patterns does not pay for its Unicode tables.
  const { RE2JS: engine } = require('re2js') as typeof import('re2js');
  let expression: RE2JS;
  try {
    expression = engine.compile(source);
  } catch (cause) {
    const reason =
      cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, '') : 'unknown reason';
    throw new PatternError(`It is not a regular expression in RE2 syntax: ${reason}.`, { cause });
  }
  if (expression.programSize() > maxInstructions) {
    throw new PatternError(`It is too large (${maxInstructions} steps at most); use smaller repeat counts.`);
  }
  return expression;
}

const maxFixedLength = 64;

function atomTest(atoms: Atom[], slow: PatternTest): PatternTest {
  const length = atoms.reduce(
    (sum, atom) => sum + (atom.min === atom.max ? atom.max : maxFixedLength + 1),
    0,
  );
  return length <= maxFixedLength ? fixedTest(atoms, length, slow) : variableTest(atoms, slow);
}

/** Every value has the same length: one table says for each place which bytes may stand there. */
function fixedTest(atoms: Atom[], length: number, slow: PatternTest): PatternTest {
  const table = new Uint8Array(length * 256);
  let place = 0;
  for (const { set, max } of atoms) for (let i = 0; i < max; i++) table.set(set, place++ * 256);
  return (bytes, start, end) => {
    // A value with international letters has more bytes than characters.
    if (end - start !== length)
      return end - start > length && !isAscii(bytes, start, end) && slow(bytes, start, end);
    const places = table;
    const last = end - start;
    let isRight = 1;
    for (let i = 0; i < last; i++) isRight &= places[(i << 8) | bytes[start + i]!]!;
    return isRight === 1;
  };
}

/** The atoms never overlap with what may follow them, so taking as many characters as possible is always right. */
function variableTest(atoms: Atom[], slow: PatternTest): PatternTest {
  return (bytes, start, end) => {
    if (end - start > maxCharacters) return slow(bytes, start, end);
    let at = start;
    for (let i = 0; i < atoms.length; i++) {
      const atom = atoms[i]!;
      const set = atom.set;
      const limit = Math.min(end, at + atom.max);
      const first = at;
      while (at < limit && set[bytes[at]!] === 1) at++;
      if (at < end && bytes[at]! > 127) return slow(bytes, start, end);
      if (at - first < atom.min) return false;
    }
    return at === end;
  };
}
