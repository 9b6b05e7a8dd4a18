import type { MessageText } from './message-text';
import { NUMBER, numberOf } from './number-words';
import { phrase } from './phrase-pattern';

const PEOPLE =
  'pax|passengers?|peoples?|persons?|ppl|guests?|travell?ers?|souls|pob|seats?|adults?|grown-?ups?|kids?|child(?:ren)?|infants?|bab(?:y|ies)|toddlers?|players?|staff|crew|colleagues?|companions?|executives?|execs|friends|others|guys|dudes|girls|men|women|clients|grooms|golfers|skiers|lawyers|parents|grandparents|humans|business(?:men|people)|employees|teammates|members|patients?|nann(?:y|ies)|students|athletes|musicians|delegates|vips?|ladies|gentlemen|of us';
// Without "a", which counts nobody in "we're a family".
const PLURAL = NUMBER.replace('|a|an)', ')');
const COUNT = `(${NUMBER})(?: ?x)?`;
// One word may stand between: "eight business travellers", "seven young adults".
const counted = phrase(
  `(?<![\\w.,/-])${COUNT}[ -]?(?:more |other |adult |young |business |hockey |football |film )?(${PEOPLE})(?![\\w])`,
  'giu',
);
const labelled = phrase(
  `\\b(?:pax|passengers|pob|people|guests|travell?ers|seats)(?: ?[:=]| count| number| -)? ?(${PLURAL})(?![\\w/]|[ -]?(?:${PEOPLE}))`,
  'giu',
);
const grouped = phrase(
  `\\b(?:party|group|family|team|crew|total|we are|we're|we will be|we'd be|us being|there(?:'s| are| will be)|i think we'd be around) (?:of |about |around )?(${PLURAL})(?![\\w:]| (?:of |days|weeks|nights|hours|k\\b|planning|interested|looking))`,
  'giu',
);
const wedding = phrase(`\\b(?:party|group|family|team) of (?:about |around )?(${PLURAL})\\b`, 'giu');
const forSome = phrase(
  `\\bfor (?:just |about |around )?(${PLURAL})(?= ?(?:[.,;!?)·\\n]|$| from | to | on | and | please| in a | w\\/| with ))`,
  'giu',
);
const range = phrase(`(?<![\\w.,/-])(${NUMBER})(?: ?- ?| to | or )(${NUMBER}) (?:${PEOPLE})`, 'giu');
const couple =
  /\b(?:honeymoon for two|(?:just )?the two of us|(?:my|his|her) (?:wife|husband|partner|girlfriend|boyfriend|spouse|fiancee?) and (?:i|me)\b|(?:me|i) and my (?:wife|husband|partner|girlfriend|boyfriend|spouse)|myself and (?:a|my|one) \w{2,20}|me \+ ?1|me plus one)/gi;
const alone = /\b(?:just me|only me|just myself|by myself|solo|alone|me only|on my own)\b/gi;
const twoCouples = phrase(`\\b(${PLURAL}) couples\\b`, 'giu');
const oneCouple = /\b(?:a|one) couple\b(?! of)/gi;
const plusOthers = phrase(
  `\\b(?:w\\/|with|and|plus|\\+) ?(${NUMBER}) (?:others|friends|colleagues|more)\\b`,
  'giu',
);
const within = /^[^.;\n]{0,12}\b(?:of them|of whom|of which|incl|including|in total)/i;
const including = phrase(
  `\\b(?:so|total(?: of)?|making|=) (${PLURAL}) (?:incl|in total|including|altogether|people|pax)`,
  'giu',
);

export interface PassengerCount {
  /** Null where nothing, or nothing certain, is said. */
  readonly passengers: number | null;
  /** As it stands in the message where it can mean several numbers. */
  readonly unclear?: string;
}

const MOST = 1_000;

/** Takes counted people out of a message, before others read a year or an hour in their number. */
export function takePassengers(text: MessageText): PassengerCount {
  for (const match of text.matches(range)) {
    text.take(match.span);
    return { passengers: null, unclear: match[0] };
  }
  return { passengers: plausible(takeTotal(text) ?? takeParts(text)) };
}

/** Takes a number that means people by the words around it alone, such as "for 4", once days and hours are taken. */
export function takeLoosePassengers(text: MessageText): number | null {
  return plausible(takeLoose(text));
}

function plausible(found: number | undefined): number | null {
  return found !== undefined && found > 0 && found <= MOST ? found : null;
}

/** Where the message itself says the sum, or a company of a known size. */
function takeTotal(text: MessageText): number | undefined {
  const sum = first(text, including);
  if (sum !== undefined) return sum;
  const pairs = first(text, twoCouples);
  if (pairs !== undefined) return pairs * 2;
  const ofFamily = first(text, wedding);
  return ofFamily;
}

/** "2 adults, 2 kids and a nanny": all counted people, unless some are named as a part of the others. */
function takeParts(text: MessageText): number | undefined {
  let total: number | undefined;
  const seen = new Set<string>();
  let hasOverall = false;
  for (const match of text.matches(counted)) {
    const [, number = '', kind = ''] = match;
    const noun = kind.toLowerCase().replace(/s$/, '');
    const value = numberOf(number) ?? 0;
    const isPart = within.test(text.whole.slice(match.span.end, match.span.end + 30)) && total !== undefined;
    const isOverall = /^(?:pax|passenger|people|person|ppl|guest|travell?er|soul|pob|seat|of u)$/.test(noun);
    if (/^one of us/i.test(match[0])) continue;
    text.take(match.span);
    if (isPart || seen.has(noun) || (isOverall && hasOverall)) continue;
    // Who names all of them first names some of them again after that.
    if (hasOverall && !isOverall && !/\b(?:plus|and|\+)[ ]?$/i.test(text.whole.slice(0, match.span.start)))
      continue;
    if (noun === 'crew' && total !== undefined) continue;
    seen.add(noun);
    hasOverall ||= isOverall;
    const others =
      /^(?:other|friend|colleague|companion|client)$/.test(noun) && total === undefined
        ? withSpeaker(text, match.span.start)
        : 0;
    total = (total ?? 0) + value + others;
  }
  const pairs = [...text.matches(oneCouple)];
  for (const { span } of pairs) text.take(span);
  return pairs.length === 0 ? total : (total ?? 0) + 2;
}

/** 1 where whoever is with the counted people flies, too: "with 3 others", "our CEO and two colleagues". */
function withSpeaker(text: MessageText, start: number): number {
  return /(?:\bw\/|\bwith|\band|\bplus|\+) ?$/i.test(text.whole.slice(Math.max(0, start - 8), start)) ? 1 : 0;
}

function takeLoose(text: MessageText): number | undefined {
  const others = first(text, plusOthers);
  if (others !== undefined) return others + 1;
  if (first(text, couple, 2) !== undefined) return 2;
  if (first(text, alone, 1) !== undefined) return 1;
  return first(text, labelled) ?? first(text, grouped) ?? first(text, forSome);
}

function first(text: MessageText, pattern: RegExp, value?: number): number | undefined {
  for (const match of text.matches(pattern)) {
    const found = value ?? numberOf(match[1] ?? '');
    if (found === undefined) continue;
    text.take(match.span);
    return found;
  }
  return undefined;
}
