import type { RE2JS } from 're2js';
import { charactersIn, textOf } from './cell-text';
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
  const expression = compileExpression(source);
  const slow: PatternTest = (bytes, start, end) =>
    charactersIn(bytes, start, end) <= maxCharacters && expression.matches(textOf(bytes, start, end));
  const atoms = parseAtoms(source);
  return atoms === undefined ? slow : atomTest(atoms, slow);
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

/** The atoms never overlap with what may follow them, so taking as many characters as possible is always right. */
function atomTest(atoms: Atom[], slow: PatternTest): PatternTest {
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
