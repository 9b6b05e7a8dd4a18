import type { PlaceMention } from './charter-request';
import type { DirectoryAirport, DirectoryMatch, PlaceDirectory } from './place-directory';
import { kilometresBetween } from './place-distance';
import { placeNicknames } from './place-nicknames';

const MAX_CANDIDATES = 10;
/** Places that fit less well than the best by this much are not meant. */
const SCORE_MARGIN = 0.12;
const SAME_CITY_KM = 120;
/** Of another city with the same name only what fits nearly as well. */
const OTHER_CITY_MARGIN = 0.04;
const MUCH_NEARER = 2.5;

/** By ICAO or IATA code, or by what the FAA calls an airport of the United States: SDL is Scottsdale there. */
export function codedMatches(code: string, directory: PlaceDirectory): DirectoryMatch[] {
  const airport = directory.byCode(code);
  const american = code.length === 3 ? directory.byCode(`K${code}`) : undefined;
  const all = [airport, american].filter((one) => one !== undefined);
  const matchedBy = code.length === 4 ? 'icao' : 'iata';
  return all
    .filter((one, at) => all.findIndex(({ icao }) => icao === one.icao) === at)
    .map((one) => ({ airport: one, score: 1, matchedBy }));
}

/** What a name may mean, islands and regions included. */
export function namedMatches(name: string, directory: PlaceDirectory): readonly DirectoryMatch[] {
  const key = name.toLowerCase();
  const codes = Object.hasOwn(placeNicknames, key) ? placeNicknames[key]! : [];
  const nicknamed = codes.flatMap((code) => directory.byCode(code) ?? []);
  if (nicknamed.length > 0) {
    return nicknamed.map((airport) => ({ airport, score: 1, matchedBy: 'nickname' }));
  }
  return directory.find(name, MAX_CANDIDATES);
}

/**
 * The airport where only one can be meant, else all that may be; `neighbour` is at the other end of the flight, which
 * tells places of the same name apart that lie far from each other.
 */
export function resolvedPlace(
  name: string,
  matches: readonly DirectoryMatch[],
  neighbour?: DirectoryAirport,
): PlaceMention {
  const [best] = matches;
  if (best === undefined) return { text: name, airport: null, candidates: [] };
  const likely = matches.filter(({ score }) => best.score - score <= SCORE_MARGIN);
  const groups = grouped(likely.map(({ airport, score }) => ({ airport, lag: best.score - score })));
  // A code means two airports where one body gave it to the one and another to the other: nobody can tell.
  const isCoded = best.matchedBy === 'iata' || best.matchedBy === 'icao';
  const chosen = neighbour === undefined || isCoded ? groups.flat() : nearest(groups, neighbour);
  const candidates = chosen.map(({ icao }) => icao);
  // What only resembles a name is for the client to confirm.
  const isSure = candidates.length === 1 && best.matchedBy !== 'typo';
  return { text: name, airport: isSure ? candidates[0]! : null, candidates };
}

/** What stands in brackets tells more, unless it means anything else. */
export function closerMatches(
  matches: readonly DirectoryMatch[],
  within: readonly DirectoryMatch[],
): readonly DirectoryMatch[] {
  const codes = new Set(matches.map(({ airport }) => airport.icao));
  const common = within.filter(({ airport }) => codes.has(airport.icao));
  return common.length > 0 ? common : within;
}

/** Airports that serve one city lie together; far ones belong to another of the same name, if they fit as well. */
function grouped(
  found: readonly { readonly airport: DirectoryAirport; readonly lag: number }[],
): DirectoryAirport[][] {
  const groups: DirectoryAirport[][] = [];
  for (const { airport, lag } of found) {
    const group = groups.find(([first]) => kilometresBetween(first!, airport) <= SAME_CITY_KM);
    if (group !== undefined) group.push(airport);
    else if (lag <= OTHER_CITY_MARGIN) groups.push([airport]);
  }
  return groups;
}

/** The city that lies much nearer than all others of its name; all of them where none does. */
function nearest(groups: readonly DirectoryAirport[][], neighbour: DirectoryAirport): DirectoryAirport[] {
  const byDistance = groups
    .map((group) => ({ group, km: kilometresBetween(group[0]!, neighbour) }))
    .toSorted((one, other) => one.km - other.km);
  const [first, second] = byDistance;
  if (second === undefined || first!.km * MUCH_NEARER < second.km) return first!.group;
  return groups.flat();
}
