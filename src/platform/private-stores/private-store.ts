/** What the opener, the supervisor and the last one out ask of each store. */
export interface PrivateStore {
  readonly label: string;
  /** Known after the first `ensure`. */
  readonly url: string;
  /** A cheap look, without the network, at the process that the last `ensure` found or started. */
  isRunning(): boolean;
  /**
   * Adopts the server when it lives and answers with our password, else heals what a crash left and starts it.
   * `keepPort` refuses to move to another port, because clients already hold the address.
   */
  ensure(options: { keepPort: boolean }): Promise<'adopted' | 'started'>;
  /** Stops the server cleanly when it runs, whoever started it. */
  stop(): Promise<void>;
}

/** Signals are the last resort of every stop; a server that is already gone is what was wanted. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    return;
  }
}
