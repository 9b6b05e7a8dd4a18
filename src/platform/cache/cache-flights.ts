interface Flight<T> {
  readonly value: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/** Computations under way in this process. Whoever asks for the same one shares it; it stops when nobody waits any more. */
export class CacheFlights<T> {
  private readonly flights = new Map<string, Flight<T>>();

  has(name: string): boolean {
    return this.flights.has(name);
  }

  /** A signal that fires takes its own caller off, and nobody else. */
  async join(name: string, compute: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const flight = this.flights.get(name) ?? this.begin(name, compute);
    flight.waiting += 1;
    try {
      return await untilAborted(flight.value, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        this.end(name, flight);
        flight.controller.abort(signal?.reason ?? new Error('Nobody waits for the value any more.'));
      }
    }
  }

  private begin(name: string, compute: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const flight: Flight<T> = { value: compute(controller.signal), controller, waiting: 0 };
    this.flights.set(name, flight);
    return flight;
  }

  private end(name: string, flight: Flight<T>): void {
    if (this.flights.get(name) === flight) this.flights.delete(name);
  }
}

/** Rejects with the signal's reason when it fires first; what the promise becomes after that is nobody's. */
export async function untilAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  let stop = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
