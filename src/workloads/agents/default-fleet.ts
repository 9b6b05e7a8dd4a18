import type { AircraftWish } from './agents.tables';
import type { AircraftCategory } from './quote';

interface AircraftType {
  readonly category: AircraftCategory;
  readonly seats: number;
  readonly rangeNm: number;
  readonly cruiseKt: number;
  readonly runwayFt: number;
  readonly hourlyUsd: number;
}

const type = (
  category: AircraftCategory,
  [seats, rangeNm, cruiseKt, runwayFt, hourlyUsd]: readonly [number, number, number, number, number],
): AircraftType => ({ category, seats, rangeNm, cruiseKt, runwayFt, hourlyUsd });

/**
 * Seats, range in nm, normal cruise in knots and take-off distance in feet, near to what the makers publish; hourly
 * prices in dollars as the charter market of 2025 roughly asks.
 */
const types = {
  'Pilatus PC-12 NGX': type('turboprop', [8, 1_750, 280, 2_850, 2_400]),
  'Beechcraft King Air 350i': type('turboprop', [8, 1_700, 303, 3_300, 2_700]),
  'Daher TBM 960': type('turboprop', [5, 1_600, 318, 2_550, 2_100]),
  'Cessna Citation M2': type('light', [6, 1_500, 400, 3_250, 3_100]),
  'Cessna Citation CJ3+': type('light', [7, 1_900, 416, 3_200, 3_500]),
  'Embraer Phenom 300E': type('light', [7, 2_000, 440, 3_250, 3_800]),
  'Bombardier Learjet 75': type('light', [8, 1_950, 450, 4_450, 3_900]),
  'Cessna Citation XLS+': type('midsize', [8, 2_050, 430, 3_600, 4_300]),
  'Hawker 900XP': type('midsize', [8, 2_700, 430, 5_000, 4_500]),
  'Embraer Praetor 500': type('midsize', [9, 3_250, 450, 4_250, 5_000]),
  'Cessna Citation Latitude': type('midsize', [9, 2_700, 430, 3_600, 4_800]),
  'Bombardier Challenger 350': type('super-midsize', [9, 3_250, 460, 4_850, 5_900]),
  'Gulfstream G280': type('super-midsize', [10, 3_600, 465, 4_750, 6_100]),
  'Embraer Praetor 600': type('super-midsize', [10, 4_000, 460, 4_450, 6_200]),
  'Bombardier Challenger 650': type('heavy', [12, 4_000, 450, 5_650, 7_400]),
  'Dassault Falcon 2000LXS': type('heavy', [10, 4_000, 450, 4_700, 7_200]),
  'Embraer Legacy 650E': type('heavy', [13, 3_900, 450, 5_750, 7_300]),
  'Gulfstream G450': type('heavy', [14, 4_350, 460, 5_600, 8_000]),
  'Dassault Falcon 7X': type('ultra-long-range', [12, 5_950, 465, 5_700, 9_500]),
  'Gulfstream G550': type('ultra-long-range', [14, 6_750, 470, 5_950, 10_200]),
  'Bombardier Global 6000': type('ultra-long-range', [13, 6_000, 475, 6_500, 10_500]),
  'Gulfstream G650ER': type('ultra-long-range', [14, 7_500, 485, 6_300, 12_500]),
  'Bombardier Global 7500': type('ultra-long-range', [15, 7_700, 485, 5_800, 13_500]),
} as const;

/** Invented operators: these are samples to begin with, replaced by one's own over REST. */
const operators = {
  'Harbour Light Aviation': 4.6,
  'Northgate Jets': 4.2,
  'Meridian Air Charter': 4.8,
  'Cascade Executive': 4.0,
  'Blue Ridge Aircraft': 3.9,
  'Alpenstern Air': 4.7,
  'Channel Executive': 4.3,
  'Riviera Wings': 4.4,
  'Gulf Crescent Jets': 4.5,
  'Straits Business Air': 4.1,
} as const;

type Sample = readonly [keyof typeof types, keyof typeof operators, homeBase: string, hourlyPercent: number];

const samples: readonly Sample[] = [
  ['Pilatus PC-12 NGX', 'Harbour Light Aviation', 'KBED', 100],
  ['Pilatus PC-12 NGX', 'Cascade Executive', 'KBFI', 96],
  ['Pilatus PC-12 NGX', 'Alpenstern Air', 'LSZH', 118],
  ['Beechcraft King Air 350i', 'Blue Ridge Aircraft', 'KPDK', 100],
  ['Beechcraft King Air 350i', 'Channel Executive', 'EGKB', 108],
  ['Daher TBM 960', 'Cascade Executive', 'KAPA', 100],
  ['Cessna Citation M2', 'Blue Ridge Aircraft', 'KFTY', 100],
  ['Cessna Citation M2', 'Riviera Wings', 'LFMD', 110],
  ['Cessna Citation CJ3+', 'Northgate Jets', 'KPWK', 100],
  ['Cessna Citation CJ3+', 'Cascade Executive', 'KVNY', 103],
  ['Embraer Phenom 300E', 'Harbour Light Aviation', 'KTEB', 104],
  ['Embraer Phenom 300E', 'Meridian Air Charter', 'KFXE', 100],
  ['Embraer Phenom 300E', 'Channel Executive', 'EGLF', 112],
  ['Bombardier Learjet 75', 'Northgate Jets', 'KDAL', 97],
  ['Cessna Citation XLS+', 'Harbour Light Aviation', 'KHPN', 102],
  ['Cessna Citation XLS+', 'Riviera Wings', 'LFPB', 109],
  ['Hawker 900XP', 'Blue Ridge Aircraft', 'KHOU', 92],
  ['Embraer Praetor 500', 'Meridian Air Charter', 'KOPF', 100],
  ['Cessna Citation Latitude', 'Northgate Jets', 'KTEB', 101],
  ['Cessna Citation Latitude', 'Alpenstern Air', 'LSGG', 114],
  ['Bombardier Challenger 350', 'Meridian Air Charter', 'KTEB', 103],
  ['Bombardier Challenger 350', 'Cascade Executive', 'KVNY', 100],
  ['Bombardier Challenger 350', 'Channel Executive', 'EGGW', 106],
  ['Gulfstream G280', 'Northgate Jets', 'KDAL', 98],
  ['Embraer Praetor 600', 'Riviera Wings', 'LFMN', 107],
  ['Bombardier Challenger 650', 'Harbour Light Aviation', 'KBED', 100],
  ['Dassault Falcon 2000LXS', 'Alpenstern Air', 'LSZH', 108],
  ['Embraer Legacy 650E', 'Gulf Crescent Jets', 'OMDW', 95],
  ['Gulfstream G450', 'Meridian Air Charter', 'KPBI', 99],
  ['Gulfstream G450', 'Cascade Executive', 'KVNY', 101],
  ['Dassault Falcon 7X', 'Riviera Wings', 'LFPB', 104],
  ['Gulfstream G550', 'Meridian Air Charter', 'KTEB', 100],
  ['Bombardier Global 6000', 'Channel Executive', 'EGLF', 106],
  ['Bombardier Global 6000', 'Gulf Crescent Jets', 'OMDW', 98],
  ['Gulfstream G650ER', 'Harbour Light Aviation', 'KTEB', 100],
  ['Gulfstream G650ER', 'Straits Business Air', 'WSSS', 103],
  ['Bombardier Global 7500', 'Cascade Executive', 'KVNY', 100],
  ['Bombardier Global 7500', 'Alpenstern Air', 'LSGG', 105],
];

// Aircraft that fly so much that they are seldom sent home empty.
const FLOATING_EVERY = 6;

const crewOvernightUsd: Readonly<Record<AircraftCategory, number>> = {
  turboprop: 900,
  light: 1_000,
  midsize: 1_200,
  'super-midsize': 1_400,
  heavy: 1_900,
  'ultra-long-range': 2_400,
};

/** What a tenant's fleet begins with. */
export const defaultFleet: readonly AircraftWish[] = samples.map(
  ([name, operatorName, homeBase, percent], index) => {
    const { hourlyUsd, ...rest }: AircraftType = types[name];
    return {
      ...rest,
      type: name,
      registration: `HF-${String(index + 1).padStart(3, '0')}`,
      operatorName,
      operatorRating: operators[operatorName],
      homeBase,
      hourlyUsd: Math.round((hourlyUsd * percent) / 100),
      crewOvernightUsd: crewOvernightUsd[rest.category],
      feePercent: 100,
      minimumHoursPerDay: rest.category === 'turboprop' ? 1 : 2,
      positioning: index % FLOATING_EVERY === FLOATING_EVERY - 1 ? 'one-way' : 'return',
      availability: [],
      isActive: true,
    };
  },
);
