import type { MessageText } from './message-text';
import { phrase } from './phrase-pattern';

const email = /(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{0,62}[A-Za-z0-9]){1,5}/g;
const phone = /(?<![\w/.-])\+\d[\d ()-]{6,18}\d/g;

const NAME = `(?:\\p{Lu}[\\p{L}'-]{1,30})`;
const PARTICLE = `(?:de|De|van|Van|von|der|den|da|di|del|la|le|al|bin)`;
const FULL = `(${NAME}(?: (?:${PARTICLE} )?${NAME}){1,2})`;
const TITLE = `(?:(?:Dr|Mr|Mrs|Ms|Prof|Capt|Sir)\\.? )?`;
const introduced = [
  phrase(`\\b[Mm]y name is ${TITLE}(${NAME}(?: (?:${PARTICLE} )?${NAME}){0,2})`, 'gu'),
  phrase(
    `\\b(?:[Tt]his is|[Ii]t's|I'm|I am) ${TITLE}${FULL}(?= ?[(.,;:!\\n]| from | at | with | here)`,
    'gu',
  ),
  phrase(`\\b[Tt]his is ${TITLE}(${NAME})(?= (?:from|at|with|here)\\b|,)`, 'gu'),
  phrase(`\\b(?:[Ii]nquiry|[Rr]equest|[Ee]nquiry) from ${TITLE}${FULL}(?= ?[(.,;:!\\n])`, 'gu'),
  phrase(`\\b(?:[Cc]ontact|[Cc]lient|[Nn]ame)(?: name)?: ?${TITLE}${FULL}`, 'gu'),
];
const signed = phrase(
  `\\b(?:[Rr]egards|[Ss]incerely|[Tt]hanks|[Tt]hank you|[Cc]heers|[Bb]est wishes|[Bb]est|[Yy]ours)[ ,.!;-]{0,3}\\n{0,3} ?${TITLE}${FULL}(?=[ ,.]{0,3}(?:$|\\n|[,·]))`,
  'gu',
);

export interface Contact {
  readonly email: string | null;
  readonly name: string | null;
}

/** Takes the client's address and name out of a message, and telephone numbers, which look like dates and amounts. */
export function takeContact(text: MessageText): Contact {
  const addresses = new Set<string>();
  for (const { 0: address, span } of text.matches(email)) {
    addresses.add(address);
    text.take(span);
  }
  for (const { span } of text.matches(phone)) text.take(span);
  // Of several addresses nobody knows which one is the client's.
  return { email: addresses.size === 1 ? [...addresses][0]! : null, name: takeName(text) };
}

function takeName(text: MessageText): string | null {
  for (const pattern of [...introduced, signed]) {
    for (const match of text.matches(pattern)) {
      const name = match[1]!;
      const start = match.span.start + match[0].lastIndexOf(name);
      text.take({ start, end: start + name.length });
      return name;
    }
  }
  return null;
}
