import { DocumentBreak } from './document-break';

/** What a JSON text means; numbers that lose digits as such stay texts. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

export const MAX_OPEN_VALUES = 1_000;

/** Puts one value together from the tokens in it, up to its limits; beyond them it only finds the value's end. */
export class JsonAssembler {
  value: JsonValue = null;
  /** Why there is no value. */
  excess: 'item_too_large' | 'item_too_deep' | undefined;
  private readonly open: (JsonValue[] | { [name: string]: JsonValue })[] = [];
  private readonly names: string[] = [];
  private depth = 0;
  private characters = 0;

  constructor(
    private readonly maxCharacters: number,
    private readonly maxDepth: number,
  ) {}

  /** Counts what a token takes; whoever gathers its text asks for `excess` before he goes on. */
  count(characters: number): void {
    this.characters += characters;
    if (this.characters > this.maxCharacters) this.giveUp('item_too_large');
  }

  start(container: JsonValue[] | { [name: string]: JsonValue }): void {
    this.count(2);
    const name = this.names[this.depth];
    if (++this.depth > this.maxDepth) this.giveUp('item_too_deep');
    if (this.depth > MAX_OPEN_VALUES) throw tooDeep();
    if (this.excess !== undefined) return;
    this.put(container, name);
    this.open.push(container);
  }

  /** True when the value is complete. */
  end(): boolean {
    this.open.pop();
    return --this.depth === 0;
  }

  name(name: string): void {
    if (this.excess === undefined) this.names[this.depth] = name;
  }

  /** True when the value is complete. */
  plain(value: string | number | boolean | null): boolean {
    this.count(2);
    if (this.excess === undefined) this.put(value, this.names[this.depth]);
    return this.depth === 0;
  }

  private put(value: JsonValue, name: string | undefined): void {
    const parent = this.open.at(-1);
    if (parent === undefined) this.value = value;
    else if (Array.isArray(parent)) parent.push(value);
    else parent[name!] = value;
  }

  private giveUp(reason: 'item_too_large' | 'item_too_deep'): void {
    this.excess ??= reason;
    this.open.length = 0;
    this.names.length = 0;
    this.value = null;
  }
}

/** An object that a document may give any names to, `__proto__` included. */
export function bareObject(): { [name: string]: JsonValue } {
  return Object.create(null) as { [name: string]: JsonValue };
}

/** The parser itself remembers every value around the one it reads. */
export function tooDeep(): DocumentBreak {
  return new DocumentBreak('too_deep', `Values lie more than ${MAX_OPEN_VALUES} deep in each other.`);
}
