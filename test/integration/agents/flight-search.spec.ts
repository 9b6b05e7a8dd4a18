import { Airports } from '../../../src/integrations/airports/airport';
import { AircraftAvailability } from '../../../src/workloads/agents/aircraft-availability';
import { FleetBookings } from '../../../src/workloads/agents/fleet-bookings.store';
import { aircraftId, FleetStore } from '../../../src/workloads/agents/fleet.store';
import { FlightSearch } from '../../../src/workloads/agents/flight-search/flight-search.service';
import { startTestServer, type TestServer } from '../../support/server';

const signal = new AbortController().signal;
const wish = {
  tenant: 'acme',
  legs: [
    { departure: 'TEB', arrival: 'VNY', date: '2027-03-05', time: '09:00' },
    { departure: 'VNY', arrival: 'TEB', date: '2027-03-07' },
  ],
  passengers: 6,
};

describe('a flight search over the fleet in PostgreSQL', () => {
  let server: TestServer;
  let store: FleetStore;
  let bookings: FleetBookings;
  let search: FlightSearch;

  const searchOf = ({ app }: TestServer): FlightSearch => {
    const part = <T>(token: abstract new (...args: never[]) => T): T => app.get(token, { strict: false });
    return new FlightSearch(part(FleetStore), part(AircraftAvailability), part(Airports));
  };

  beforeAll(async () => {
    server = await startTestServer({ ROLE: 'worker' });
    store = server.app.get(FleetStore, { strict: false });
    bookings = server.app.get(FleetBookings, { strict: false });
    search = searchOf(server);
  });

  afterAll(() => server.close());

  it('gives the same quotes in another process over the same fleet', async () => {
    const { DATABASE_URL = '' } = server.settings;
    const found = await search.search(wish, signal);
    expect(found.quotes.length).toBeGreaterThan(20);
    const other = await startTestServer({ ROLE: 'worker', DATABASE_URL });
    try {
      expect(await searchOf(other).search(wish, signal)).toEqual(found);
    } finally {
      await other.close();
    }
  });

  it('knows no aircraft of another tenant', async () => {
    const mine = await search.search(wish, signal);
    const theirs = await search.search({ ...wish, tenant: 'other' }, signal);
    const ids = new Set(mine.quotes.map(({ aircraft }) => aircraft.id));
    expect(theirs.quotes.some(({ aircraft }) => ids.has(aircraft.id))).toBe(false);
    expect(theirs.quotes.map(({ priceCents }) => priceCents)).toEqual(
      mine.quotes.map(({ priceCents }) => priceCents),
    );
  });

  it('leaves out what is booked in the meantime, and offers it again when it is free', async () => {
    const [cheapest] = (await search.search(wish, signal)).quotes;
    const { id } = cheapest!.aircraft;
    const times = { startsAt: new Date('2027-03-06T00:00:00Z'), endsAt: new Date('2027-03-06T01:00:00Z') };
    const booking = await bookings.book({ kind: 'booking', reference: 'x', ...times }, id, wish.tenant);
    if (typeof booking === 'string') throw new Error(booking);
    const without = await search.search(wish, signal);
    expect(without.quotes.some(({ aircraft }) => aircraft.id === id)).toBe(false);
    expect(without.rejected).toContainEqual(expect.objectContaining({ reason: 'unavailable', count: 1 }));
    expect(await bookings.release(booking.id, id, wish.tenant)).toBe(true);
    expect((await search.search(wish, signal)).quotes[0]).toEqual(cheapest);
  });

  it('follows what is changed in the fleet, with other ids for other quotes', async () => {
    const id = aircraftId(wish.tenant, 'HF-011');
    const quoteOf = async () =>
      (await search.search(wish, signal)).quotes.find(({ aircraft }) => aircraft.id === id);
    const before = await quoteOf();
    const aircraft = await store.find(id, wish.tenant);
    await store.change(id, wish.tenant, { hourlyUsd: aircraft!.hourlyUsd + 100 });
    const dearer = await quoteOf();
    expect(dearer!.priceCents).toBeGreaterThan(before!.priceCents);
    expect(dearer!.id).not.toBe(before!.id);
    await store.change(id, wish.tenant, { hourlyUsd: aircraft!.hourlyUsd });
    expect(await quoteOf()).toEqual(before);
    await store.change(id, wish.tenant, { isActive: false });
    expect(await quoteOf()).toBeUndefined();
  });
});
