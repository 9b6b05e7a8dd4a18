import type { AirportSize } from '../../../integrations/airports/airport';
import type { AircraftCategory } from '../quote';

/** Whole US dollars at a large airport, by category and so roughly by weight; assumed, because no open source has them. */
const atLargeAirports: Readonly<
  Record<AircraftCategory, { landing: number; handling: number; parking: number }>
> = {
  turboprop: { landing: 150, handling: 350, parking: 100 },
  light: { landing: 220, handling: 500, parking: 130 },
  midsize: { landing: 340, handling: 700, parking: 180 },
  'super-midsize': { landing: 440, handling: 900, parking: 230 },
  heavy: { landing: 800, handling: 1_400, parking: 380 },
  'ultra-long-range': { landing: 1_100, handling: 1_800, parking: 480 },
};

const percentBySize: Readonly<Record<AirportSize, number>> = { large: 100, medium: 65, small: 40 };

export type FeeKind = 'landing' | 'handling' | 'parking';

/** Whole US cents for one landing, one turnaround or one night. */
export function feeCents(
  kind: FeeKind,
  size: AirportSize,
  { category, feePercent }: { readonly category: AircraftCategory; readonly feePercent: number },
): number {
  // Dollars × percent × percent / 100 are cents.
  return Math.round((atLargeAirports[category][kind] * percentBySize[size] * feePercent) / 100);
}
