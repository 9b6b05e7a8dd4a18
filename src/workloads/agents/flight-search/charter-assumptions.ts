/** What every quote rests on where aircraft, airports and operators do not say it themselves. */
export const assumptions = {
  /** Airways are longer than the great circle. */
  routingPercent: 103,
  /** Out and in, per landing. */
  taxiMinutes: 12,
  /** What climb and descent lose against cruise, per landing. */
  climbMinutes: 8,
  fuelStopMinutes: 45,
  /** Westerly wind in knots between 25° and 65° of latitude, and elsewhere; a third at the heights of turboprops. */
  jetWindKt: 40,
  tropicalWindKt: 10,
  /** Tailwind counts half: it is not to be promised. */
  tailwindShare: 0.5,
  /** Range with all seats taken against that with none. */
  fullCabinRangePercent: 85,
  /** Held back as reserve, at cruise. */
  reserveMinutes: 45,
  /** Runways have to be longer by this for each 1,000 ft of elevation. */
  runwayPercentPer1000Ft: 7,
  turnaroundMinutes: 45,
  /** Between the arrival of an empty flight and the departure of its passengers. */
  boardingMinutes: 60,
  /** Duty begins before the first and ends after the last flight of a day. */
  reportMinutes: 60,
  releaseMinutes: 30,
  // Two pilots: 14 CFR 135.267. Four pilots on aircraft with a place to rest: 14 CFR 135.269.
  restMinutes: 600,
  dutyMinutes: 840,
  flightMinutes: 600,
  augmentedDutyMinutes: 1_200,
  augmentedFlightMinutes: 960,
  secondCrewUsdPerDuty: 4_200,
  /** Where no time is asked for: from 09:00 on, then earlier. */
  usualDeparture: 540,
  latestDeparture: 1_260,
  earliestDeparture: 360,
  departureStep: 30,
} as const;
