import type { Answered } from './subject';

export interface AcceptedOrder {
  readonly key: string;
  readonly id: string;
  readonly isRemoved: boolean;
}

/** What a careful caller writes down: each order by its key, and what it was told about it. */
export class Journal {
  private readonly orders = new Map<
    string,
    { outcome: Answered['outcome']; id?: string; isRemoved: boolean }
  >();

  /** The first acceptance counts; a later answer to the same key changes nothing about it. */
  note(key: string, answered: Answered): void {
    if (this.orders.get(key)?.outcome === 'accepted') return;
    const wasUnknown = this.orders.get(key)?.outcome === 'unknown';
    const outcome = wasUnknown && answered.outcome === 'refused' ? 'unknown' : answered.outcome;
    this.orders.set(key, { outcome, id: answered.id, isRemoved: false });
  }

  noteRemoved(key: string): void {
    const order = this.orders.get(key);
    if (order !== undefined) order.isRemoved = true;
  }

  accepted(): AcceptedOrder[] {
    return [...this.orders].flatMap(([key, { id, isRemoved }]) =>
      id === undefined ? [] : [{ key, id, isRemoved }],
    );
  }

  idOf(key: string): string {
    const id = this.orders.get(key)?.id;
    if (id === undefined) throw new Error(`No order "${key}" was accepted.`);
    return id;
  }

  unknownKeys(): string[] {
    return [...this.orders].filter(([, { outcome }]) => outcome === 'unknown').map(([key]) => key);
  }

  get refusals(): number {
    return [...this.orders.values()].filter(({ outcome }) => outcome === 'refused').length;
  }
}
