const MAX_NOTES = 10;
const MAX_NOTE_CHARACTERS = 160;

// What a broker has to know beside the flight itself.
const matters =
  /\b(?:dogs?|cats?|pets?|pupp(?:y|ies)|labradors?|retrievers?|animals?|falcons|wheelchairs?|crutches|stretcher|medical|medevac|patient|oxygen|ski(?:s|ing)?|golf|clubs|bikes?|surfboards?|luggage|bags?|equipment|gear|instruments?|catering|vegetarian|vegan|halal|kosher|champagne|wi-?fi|smoking|allerg(?:y|ies|ic)|infants?|bab(?:y|ies)|car seat|nannies|nanny|crew|flexible|fuel stop|stopover|customs|visa|confidential|nda)\b/i;

/** The sentences and clauses that hold what a broker has to know. */
export function notesOf(text: string): string[] {
  const clauses = text.split(/[.!?;\n]+|, (?=with |plus |one of )/);
  return clauses
    .map((clause) => clause.trim())
    .filter((clause) => clause !== '' && matters.test(clause))
    .slice(0, MAX_NOTES)
    .map((clause) => clause.slice(0, MAX_NOTE_CHARACTERS));
}
