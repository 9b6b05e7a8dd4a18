import type { CharterRequest, MissingField, PlaceMention } from './charter-request';

const MAX_NAMED = 4;

/** What somebody has to be asked before anything can be offered, in plain words. */
export function missingFields(request: CharterRequest, unclearPassengers?: string): MissingField[] {
  const missing: MissingField[] = [];
  if (request.legs.length === 0) {
    missing.push({ field: 'legs', question: 'From where to where would you like to fly, and when?' });
  }
  request.legs.forEach((leg, at) => {
    const flight = nameOf(request, at);
    const field = `legs[${at}]`;
    // The way back asks nothing that the way there has asked.
    if (request.tripType !== 'round_trip' || at === 0) {
      missing.push(
        ...placeQuestion(leg.departure, `${field}.departure`, `Where would you like to depart${flight}?`),
      );
      missing.push(...placeQuestion(leg.arrival, `${field}.arrival`, `Where would you like to go${flight}?`));
    }
    if (leg.date === null) {
      missing.push({ field: `${field}.date`, question: `On which day would you like to fly${flight}?` });
    }
  });
  if (request.passengers === null) {
    const question =
      unclearPassengers === undefined
        ? 'How many passengers will fly?'
        : `You wrote "${unclearPassengers}": how many passengers should the aircraft have seats for?`;
    missing.push({ field: 'passengers', question });
  }
  return missing;
}

function placeQuestion(
  { text, airport, candidates }: PlaceMention,
  field: string,
  question: string,
): MissingField[] {
  if (airport !== null) return [];
  if (candidates.length === 0) return [{ field, question }];
  const named = candidates.slice(0, MAX_NAMED).join(', ');
  return [{ field, question: `Which airport do you mean by "${text}": ${named}, or another?` }];
}

function nameOf({ tripType, legs }: CharterRequest, at: number): string {
  if (legs.length === 1) return '';
  if (tripType === 'round_trip') return at === 0 ? '' : ' back';
  return ` on flight ${at + 1}`;
}
