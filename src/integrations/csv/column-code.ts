import type { CellCheck } from './cell-checks';
import type { RecordScanner } from './record-scanner';
import type { RowCells, RowCheck } from './row-rules';

/** What is asked of one column's cells, as far as the loop over a row needs to know. */
export interface ColumnTask {
  cell: number;
  type: CellCheck | undefined;
  /** Findings from here on mean that the value is of the type, but out of range. */
  rangeFrom: number;
  others: CellCheck[];
  /** The finding for an empty cell; 0 when it may be empty. */
  emptyKind: number;
  /** There is more to look at than whether the cell is empty and right. */
  isSpecial: boolean;
}

/** Where a row's findings go, and who decides about cells that are special. */
export interface ColumnCodeOwner<Task extends ColumnTask> extends RowCells {
  add(kind: number): void;
  addEmpty(task: Task): void;
  countsAsEmpty(task: Task): boolean;
}

type CheckRow = (record: RecordScanner) => void;

// The compiler of V8 leaves functions alone that are much longer.
const maxGeneratedColumns = 60;

/**
 * Makes one function that checks all columns of a row and then the row as a whole. Written out column by column, every
 * check has a call of its own, which the JIT can inline: a third faster than a loop over closures. The text that is
 * compiled is made of numbers only. With many columns, or where code may not be generated, it is the loop.
 */
export function compileColumns<Task extends ColumnTask>(
  owner: ColumnCodeOwner<Task>,
  tasks: Task[],
  rowChecks: RowCheck[],
): CheckRow {
  if (tasks.length > maxGeneratedColumns) return loopOver(owner, tasks, rowChecks);
  try {
    // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- no text of a user is in it: see above.
    const make = new Function('owner', 'tasks', 'rowChecks', codeFor(tasks, rowChecks)) as (
      ...parts: [typeof owner, Task[], RowCheck[]]
    ) => CheckRow;
    return make(owner, tasks, rowChecks);
  } catch (error) {
    if (error instanceof EvalError) return loopOver(owner, tasks, rowChecks);
    throw error;
  }
}

function codeFor(tasks: ColumnTask[], rowChecks: RowCheck[]): string {
  const names = tasks.flatMap(({ type, others }, i) => [
    `task${i} = tasks[${i}]`,
    ...(type === undefined ? [] : [`type${i} = tasks[${i}].type`]),
    ...others.map((_, k) => `other${i}_${k} = tasks[${i}].others[${k}]`),
  ]);
  const rows = rowChecks.map((_, i) => `row${i} = rowChecks[${i}]`);
  return `'use strict';
    const ${['starts = owner.starts', 'ends = owner.ends', 'invalid = owner.invalid', 'empty = owner.empty', ...names, ...rows].join(', ')};
    return (record) => {
      const bytes = record.bytes, recordStarts = record.starts, recordEnds = record.ends;
      let kind = 0, start = 0, end = 0;
      ${tasks.map(codeForColumn).join('')}
      ${rowChecks.map((_, i) => `kind = row${i}(owner); if (kind !== 0) owner.add(kind);`).join('\n')}
    };`;
}

function codeForColumn(task: ColumnTask, i: number): string {
  const { cell, type, rangeFrom, others, emptyKind, isSpecial } = task;
  const isEmpty = isSpecial ? `start === end || owner.countsAsEmpty(task${i})` : 'start === end';
  const first = type === undefined ? '0' : `type${i}(bytes, start, end)`;
  const rest = others.map(
    (_, k) => `kind = other${i}_${k}(bytes, start, end); if (kind !== 0) owner.add(kind);`,
  );
  return `
      start = starts[${cell}] = recordStarts[${cell}];
      end = ends[${cell}] = recordEnds[${cell}];
      invalid[${cell}] = 0;
      if (${isEmpty}) {
        empty[${cell}] = 1;
        ${emptyKind === 0 ? '' : `owner.addEmpty(task${i});`}
      } else {
        empty[${cell}] = 0;
        ${isSpecial ? `start = starts[${cell}]; end = ends[${cell}];` : ''}
        kind = ${first};
        if (kind !== 0) owner.add(kind);
        if (kind !== 0 && kind < ${rangeFrom}) invalid[${cell}] = 1;
        else { ${rest.join(' ')} }
      }`;
}

/** The same as a loop. */
export function loopOver<Task extends ColumnTask>(
  owner: ColumnCodeOwner<Task>,
  tasks: Task[],
  rowChecks: RowCheck[],
): CheckRow {
  const { starts, ends, invalid, empty } = owner;
  return (record) => {
    const { bytes } = record;
    for (const task of tasks) {
      const { cell, type, others } = task;
      starts[cell] = record.starts[cell]!;
      ends[cell] = record.ends[cell]!;
      invalid[cell] = 0;
      empty[cell] = 0;
      if (starts[cell] === ends[cell] || (task.isSpecial && owner.countsAsEmpty(task))) {
        empty[cell] = 1;
        if (task.emptyKind !== 0) owner.addEmpty(task);
        continue;
      }
      const kind = type === undefined ? 0 : type(bytes, starts[cell], ends[cell]);
      if (kind !== 0) owner.add(kind);
      if (kind !== 0 && kind < task.rangeFrom) invalid[cell] = 1;
      else for (const other of others) addTo(owner, other(bytes, starts[cell], ends[cell]));
    }
    for (const check of rowChecks) addTo(owner, check(owner));
  };
}

function addTo(owner: { add(kind: number): void }, kind: number): void {
  if (kind !== 0) owner.add(kind);
}
