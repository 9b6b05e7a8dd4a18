export interface Position {
  readonly latitude: number;
  readonly longitude: number;
}

// The mean radius of the Earth (IUGG), 6,371.0088 km, in nautical miles of 1,852 m.
const EARTH_RADIUS_NM = 3_440.069;

/** The great-circle distance in nautical miles, by the haversine formula; within 0.5 % of the ellipsoid's. */
export function greatCircleNm(from: Position, to: Position): number {
  const latitude = radians(to.latitude - from.latitude);
  const longitude = radians(to.longitude - from.longitude);
  const chord =
    Math.sin(latitude / 2) ** 2 +
    Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude)) * Math.sin(longitude / 2) ** 2;
  // Rounding can take the chord of opposite points above 1.
  return 2 * EARTH_RADIUS_NM * Math.asin(Math.min(1, Math.sqrt(chord)));
}

/** The initial course in degrees from north, 0 to below 360. */
export function initialCourse(from: Position, to: Position): number {
  const [south, north] = [radians(from.latitude), radians(to.latitude)];
  const longitude = radians(to.longitude - from.longitude);
  const east = Math.sin(longitude) * Math.cos(north);
  const ahead = Math.cos(south) * Math.sin(north) - Math.sin(south) * Math.cos(north) * Math.cos(longitude);
  return ((Math.atan2(east, ahead) * 180) / Math.PI + 360) % 360;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
