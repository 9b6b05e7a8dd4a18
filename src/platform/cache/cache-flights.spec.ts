import { CacheFlights } from './cache-flights';

const pending = (signal: AbortSignal) =>
  new Promise<string>((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );

describe('computations under way', () => {
  it('are shared, and end for all with the same value or error', async () => {
    const flights = new CacheFlights<string>();
    let [begun, land] = [0, (_value: string) => {}];
    const compute = () => {
      begun += 1;
      return new Promise<string>((resolve) => (land = resolve));
    };
    const readers = [flights.join('one', compute), flights.join('one', compute)];
    expect(flights.has('one')).toBe(true);
    land('landed');
    await expect(Promise.all(readers)).resolves.toEqual(['landed', 'landed']);
    expect([begun, flights.has('one')]).toEqual([1, false]);
    const failing = () => Promise.reject(new Error('no wings'));
    await expect(flights.join('one', failing)).rejects.toThrow('no wings');
    await expect(flights.join('one', () => Promise.resolve('again'))).resolves.toBe('again');
  });

  it('go on while somebody waits, and stop when the last one has left', async () => {
    const flights = new CacheFlights<string>();
    const [first, second] = [new AbortController(), new AbortController()];
    let inside: AbortSignal | undefined;
    const compute = (signal: AbortSignal) => pending((inside = signal));
    const readers = [first, second].map(({ signal }) => flights.join('one', compute, signal));
    first.abort(new Error('first left'));
    await expect(readers[0]).rejects.toThrow('first left');
    expect([inside?.aborted, flights.has('one')]).toEqual([false, true]);
    second.abort(new Error('second left'));
    await expect(readers[1]).rejects.toThrow('second left');
    expect([inside?.aborted, flights.has('one')]).toEqual([true, false]);
  });

  it('do not begin for somebody who has left already', async () => {
    const flights = new CacheFlights<string>();
    const left = AbortSignal.abort(new Error('gone'));
    await expect(flights.join('one', pending, left)).rejects.toThrow('gone');
    expect(flights.has('one')).toBe(false);
  });
});
