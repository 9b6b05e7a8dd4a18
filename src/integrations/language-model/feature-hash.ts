export const HASH_DIMENSIONS = 256;
export const MAX_EMBEDDED_CHARACTERS = 20_000;

const MIN_GRAM = 3;
const MAX_GRAM = 5;
// A word as a whole says more than each of its pieces.
const WORD_WEIGHT = 1;
const GRAM_WEIGHT = 0.35;
const PAIR_WEIGHT = 0.6;

/**
 * A vector of a text from its words, pairs of words and runs of letters, each hashed to one of 256 places with a sign:
 * the same on every machine, of length 1, and all zeros for a text without letters or digits. Reads 20,000 characters.
 */
export function featureHashVector(text: string): Float32Array {
  const vector = new Float32Array(HASH_DIMENSIONS);
  const words = wordsOf(text);
  const counts = new Map<string, number>();
  const count = (feature: string, weight: number) => counts.set(feature, (counts.get(feature) ?? 0) + weight);
  words.forEach((word, at) => {
    count(`w ${word}`, WORD_WEIGHT);
    if (at > 0) count(`p ${words[at - 1]!} ${word}`, PAIR_WEIGHT);
    for (const gram of gramsOf(`<${word}>`)) count(`g ${gram}`, GRAM_WEIGHT);
  });
  for (const [feature, weight] of counts) {
    const hash = fnv1a(feature);
    // Said ten times is not ten times as much.
    const amount = Math.log1p(weight);
    vector[hash % HASH_DIMENSIONS]! += hash >>> 31 === 0 ? amount : -amount;
  }
  return unitLength(vector);
}

/** Brings a vector to length 1; one of zeros stays as it is. */
export function unitLength(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (squares === 0) return vector;
  const length = Math.sqrt(squares);
  return vector.map((value) => value / length);
}

function wordsOf(text: string): string[] {
  const plain = text
    .slice(0, MAX_EMBEDDED_CHARACTERS)
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '');
  return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Runs of letters of a word between its marks; of a word without end only the first hundred letters. */
function* gramsOf(marked: string): Generator<string> {
  const letters = Array.from(marked.slice(0, 100));
  for (let size = MIN_GRAM; size <= MAX_GRAM; size += 1) {
    for (let at = 0; at + size <= letters.length; at += 1) yield letters.slice(at, at + size).join('');
  }
}

/** FNV-1a over the UTF-8 bytes, then the finalizer of MurmurHash3, whose low bits are as good as its high ones. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
