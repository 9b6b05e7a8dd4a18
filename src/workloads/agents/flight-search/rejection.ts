/** Why an aircraft makes no quote. */
export const rejections = {
  too_few_seats: 'It has fewer seats than there are passengers.',
  runway_too_short: 'A runway of the trip is too short for it.',
  out_of_range: 'A flight is beyond its range with reserve, even with two stops for fuel.',
  positioning_out_of_range: 'It cannot get from its home base to the trip, or back, with two stops for fuel.',
  curfew: 'An airport is closed at the time, or at every usual time of the day.',
  legs_overlap: 'It arrives too late from the leg before.',
  crew_duty: 'The day is longer than its crew may work.',
  unavailable: 'It is booked, held, in maintenance or not offered at the time.',
} as const;

export type RejectionReason = keyof typeof rejections;

export function isRejection(thing: unknown): thing is RejectionReason {
  return typeof thing === 'string';
}
