/** Stands in for the payload of a job whose data in Redis is not JSON. */
export class CorruptPayload {
  constructor(
    readonly stored: string,
    readonly problem: string,
  ) {}

  /** What takes the place of the stored text, so that the job can be shown and parked. */
  get replacement(): string {
    return JSON.stringify({ corrupt: this.stored.slice(0, MAX_SHOWN_CHARACTERS) });
  }
}

const MAX_SHOWN_CHARACTERS = 10_000;
