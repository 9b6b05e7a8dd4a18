import type { CalendarDay } from './calendar-day';
import type { Span } from './message-text';

/** A day as a message names it; some follow from the day before them in the trip. */
export interface DateMention {
  readonly span: Span;
  /** The day, given that of the leg before where there is one; undefined where it cannot be told. */
  readonly dayAfter: (previous: CalendarDay | undefined) => CalendarDay | undefined;
  /** Whether only the return can be meant, such as by "three days later". */
  readonly isReturn: boolean;
  /** Whether this is one of several days that would all do. */
  readonly isAlternative: boolean;
  /** How the message says it, where it could be read in another way. */
  readonly assumption?: string;
}

export interface Today {
  readonly now: Date;
  readonly timeZone: string;
}
