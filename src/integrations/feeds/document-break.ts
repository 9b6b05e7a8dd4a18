import type { BreakReason } from './feed-event';

/** Ends a document before its time; never leaves this folder. */
export class DocumentBreak extends Error {
  constructor(
    readonly reason: BreakReason,
    readonly detail: string,
  ) {
    super(detail);
  }
}
