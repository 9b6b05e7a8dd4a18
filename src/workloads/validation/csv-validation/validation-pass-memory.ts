import { memoryFor } from '../../../integrations/csv/record-scanner';
import type { CopyMemory } from './validation-pass-copy';

// Sizes that keep a whole pass below 4 MiB; larger ones were not faster.
const rowSegment = { bytes: 128 * 1024, count: 4 };
export const keyBlockBytes = 64 * 1024;
export const reportBlockBytes = 256 * 1024;
/** A row of the report is its record with quotes doubled, and findings. */
export const maxReportRowBytes = 4 * 1024 * 1024;

export type PassMemory = ReturnType<typeof takeMemory>;

/**
 * One piece of memory for all passes of a thread: input, rows on their way to the database, the next blocks of keys and
 * report, rows of the draft that are read again. Rows are copied within one buffer, which is by far the fastest way that
 * JavaScript has. It is never given back, because the C library keeps room for a piece of this size that it has seen go;
 * what has never been written to, most of the last part, takes no memory of the machine.
 */
export function takeMemory() {
  const scanner = memoryFor();
  const rowsBegin = scanner;
  const keysBegin = rowsBegin + rowSegment.bytes * rowSegment.count;
  const reportBegin = keysBegin + keyBlockBytes;
  const draftBegin = reportBegin + reportBlockBytes;
  const memory = new Uint8Array(draftBegin + memoryFor(maxReportRowBytes));
  const rows: CopyMemory = {
    memory,
    begin: rowsBegin,
    segmentBytes: rowSegment.bytes,
    segments: rowSegment.count,
  };
  return { memory, rows, keysBegin, reportBegin, draftBegin };
}
