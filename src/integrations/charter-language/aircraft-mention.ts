import type { aircraftClasses } from './charter-request';
import type { MessageText } from './message-text';

export type AircraftClass = (typeof aircraftClasses)[number];

// The first that fits takes its words, so that the more exact name stands before the one that is a part of it.
const patterns: readonly (readonly [AircraftClass, RegExp])[] = [
  ['ultra-long-range', /\bultra[- ]?long[- ]?range\b|\bulr\b|\blong[- ]range (?:jet|aircraft)\b/gi],
  ['super-midsize', /\bsuper[- ]?mid(?:[- ]?size[d]?)?\b/gi],
  ['very-light', /\bvery[- ]light(?: jet)?\b|\bvlj\b/gi],
  ['airliner', /\b(?:vip )?airliner\b|\bbbj\b|\bacj(?:\d{3})?\b|\bboeing \d{3}\b|\bairbus a?\d{3}\b/gi],
  [
    'ultra-long-range',
    /\bg(?:ulfstream)? ?-?(?:v|500|550|600|650(?:er)?|700|800)\b|\bglobal(?: express| \d{4})?\b(?! warming)|\bfalcon (?:7x|8x|10x)\b/gi,
  ],
  [
    'super-midsize',
    /\bchallenger 3[05]0\b|\bchallenger 3500\b|\bpraetor(?: \d{3})?\b|\blegacy [45][05]0\b|\bcitation (?:x\b|longitude|sovereign)|\bg(?:ulfstream)? ?(?:200|280)\b|\bhawker 4000\b|\bfalcon 50\b/gi,
  ],
  [
    'heavy',
    /\bchallenger (?:6\d\d)\b|\blegacy 6[05]0\b|\bfalcon (?:900|2000)\w{0,3}\b|\bg(?:ulfstream)? ?-?(?:iv(?:-?sp)?|300|350|400|450)\b/gi,
  ],
  [
    'midsize',
    /\bcitation (?:xls\+?|excel|latitude|vii?)|\bxls\+?|\bhawker(?: \d{3}\w{0,2})?\b|\blear(?:jet)? ?(?:60|55)\w{0,2}\b|\bg(?:ulfstream)? ?(?:100|150)\b/gi,
  ],
  [
    'very-light',
    /\b(?:citation )?mustang\b|\bphenom 100\b|\beclipse\b|\bcitation m2\b|\bhondajet\b|\bvision jet\b/gi,
  ],
  [
    'light',
    /\bphenom 300\w?\b|\b(?:citation )?cj\d\+?|\bcitation (?:bravo|encore|ultra|v\b|ii\b)|\blear(?:jet)? ?(?:3\d|4\d|7\d)\w{0,2}\b|\bpremier i\b|\bpilatus pc-?24\b|\bpc-?24\b|\bhawker 400\w{0,2}\b|\bnextant\b/gi,
  ],
  [
    'turboprop',
    /\bturbo[- ]?props?\b|\bking ?air(?: \w{0,4}\d\w{0,4})?\b|\b(?:pilatus )?pc-?12\b|\bpilatus\b|\bcaravan\b|\btbm ?\d{0,3}\b|\bavanti\b|\bkodiak\b/gi,
  ],
  ['helicopter', /\bheli(?:copter)?s?\b|\bchopper\b|\bagusta\w{0,10}\b|\bbell \d{3}\b|\bh1[2-7]5\b/gi],
  [
    'midsize',
    /\bmid[- ]?size[d]?(?: jet)?\b|\bmid (?:jet|cabin)\b|\bmid\b(?![- ](?:january|february|march|april|may|june|july|august|september|october|november|december|day|week|morning|afternoon))/gi,
  ],
  ['heavy', /\bheavy(?: jet)?\b|\blarge[- ](?:cabin|jet)(?: (?:jet|aircraft))?\b/gi],
  ['light', /\blight[- ](?:jet|cabin)\b|\blight aircraft\b/gi],
];

// Words of makers that name several classes; nobody is to read a place in them.
const makers =
  /\b(?:gulfstream|cessna|citation|phenom|embraer|legacy|bombardier|challenger|dassault|falcon|learjet|beechcraft)\b/gi;
const limit = /\b(?:nothing|not|no|smaller|bigger|larger|less|enough|slow|too)\b[^.?!\n]{0,20}$/i;

/** Takes the aircraft out of a message: its class, or the classes where several are named. */
export function takeAircraft(text: MessageText): AircraftClass[] {
  const classes = new Set<AircraftClass>();
  for (const [name, pattern] of patterns) {
    for (const { span } of text.matches(pattern)) {
      if (!limit.test(text.whole.slice(Math.max(0, span.start - 40), span.start))) classes.add(name);
      text.take(span);
    }
  }
  for (const { span } of text.matches(makers)) text.take(span);
  return [...classes];
}
