import type { MessageText } from './message-text';

const flexible =
  /(?:\+ ?\/ ?-|\u00b1|\bplus or minus|\bplus\/minus|\bgive or take|\bflexible (?:by|within)|\bwithin) ?(\d|a|one|two|three|four|five) days?\b/gi;
const small: Readonly<Record<string, number>> = { a: 1, one: 1, two: 2, three: 3, four: 4, five: 5 };

/** Takes by how many days the flights may lie earlier or later out of a message; 0 where it does not say. */
export function takeFlexibleDays(text: MessageText): number {
  for (const { 1: number = '', span } of text.matches(flexible)) {
    text.take(span);
    return small[number.toLowerCase()] ?? Number(number);
  }
  return 0;
}
