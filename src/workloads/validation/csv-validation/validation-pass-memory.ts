import { memoryFor } from '../../../integrations/csv/record-scanner';
import type { CopyMemory } from './validation-pass-copy';

// Sizes that keep a whole pass below 4 MiB; larger ones were not faster.
const rowSegment = { bytes: 128 * 1024, count: 4 };
export const keyBlockBytes = 64 * 1024;
export const reportBlockBytes = 256 * 1024;

export type PassMemory = ReturnType<typeof takeMemory>;

/**
 * One piece of memory for a whole pass: input, rows on their way to the database, and the next blocks of keys and report.
 * Rows are copied within one buffer, which is by far the fastest way that JavaScript has.
 */
export function takeMemory() {
  const scanner = memoryFor();
  const rowsBegin = scanner;
  const keysBegin = rowsBegin + rowSegment.bytes * rowSegment.count;
  const reportBegin = keysBegin + keyBlockBytes;
  const memory = new Uint8Array(reportBegin + reportBlockBytes);
  const rows: CopyMemory = {
    memory,
    begin: rowsBegin,
    segmentBytes: rowSegment.bytes,
    segments: rowSegment.count,
  };
  return { memory, rows, keysBegin, reportBegin };
}
