import type { CharterRequest, MissingField } from '../../integrations/charter-language/charter-request';

// Without these no flight can be searched; whatever else is missing can be asked later.
const necessary = /^(passengers|legs|legs\[\d{1,2}\](\.(departure|arrival|date))?|clientEmail)$/;

const EMAIL_QUESTION: MissingField = {
  field: 'clientEmail',
  question: 'To which e-mail address shall the proposal go?',
};

/** What has to be asked before the search can begin, each field once. */
export function questionsOf(missing: readonly MissingField[], clientEmail: string | null): MissingField[] {
  const asked = missing.filter(({ field }) => necessary.test(field) && field !== 'clientEmail');
  const byField = new Map(asked.map((one) => [one.field, one]));
  return [...byField.values(), ...(clientEmail === null ? [EMAIL_QUESTION] : [])];
}

/** How an answer to one question reads as a message of its own, and what of the reading of that message counts. */
export interface AnswerReading {
  readonly message: string;
  patch(request: CharterRequest, read: CharterRequest): CharterRequest | undefined;
}

// Any two airports: only the part that was asked for is taken from the reading.
const SOMEWHERE = 'from KTEB to KVNY';

/** Another airport than the one that the answer seems to name. */
function elsewhere(answer: string): string {
  return /vny|van nuys/i.test(answer) ? 'KTEB' : 'KVNY';
}

/** Undefined for a field that no question is about. */
export function answerReading(field: string, answer: string): AnswerReading | undefined {
  const text = answer.trim();
  if (field === 'passengers') {
    return {
      message: `${/^\d{1,3}$/.test(text) ? `${text} passengers` : text} ${SOMEWHERE}`,
      patch: (request, { passengers }) => (passengers === null ? undefined : { ...request, passengers }),
    };
  }
  if (field === 'legs') {
    return {
      message: text,
      patch: (request, { legs, tripType }) =>
        legs.length === 0 ? undefined : { ...request, legs, tripType },
    };
  }
  const [, index = '', part] = /^legs\[(\d{1,2})\]\.(departure|arrival|date)$/.exec(field) ?? [];
  if (part === undefined) return undefined;
  return legReading(Number(index), part as 'departure' | 'arrival' | 'date', text);
}

function legReading(index: number, part: 'departure' | 'arrival' | 'date', text: string): AnswerReading {
  const messages = {
    departure: `One passenger from ${text} to ${elsewhere(text)}`,
    arrival: `One passenger from ${elsewhere(text)} to ${text}`,
    date: `One passenger ${SOMEWHERE} on ${text}`,
  };
  return {
    message: messages[part],
    patch: (request, read) => {
      const value = read.legs[0]?.[part];
      const isKnown = typeof value === 'string' || (value != null && codeOf(value) !== undefined);
      if (!isKnown || request.legs[index] === undefined) return undefined;
      const isReturn = request.tripType === 'round_trip' && index === 0 && part !== 'date';
      const mirrored = part === 'departure' ? 'arrival' : 'departure';
      const legs = request.legs.map((leg, at) => {
        if (at === index) return { ...leg, [part]: value };
        return isReturn && at === 1 ? { ...leg, [mirrored]: value } : leg;
      });
      return { ...request, legs };
    },
  };
}

/** The airport that a mention means, the likeliest where several may be meant. */
export function codeOf({
  airport,
  candidates,
}: {
  readonly airport: string | null;
  readonly candidates: readonly string[];
}): string | undefined {
  return airport ?? candidates[0];
}
