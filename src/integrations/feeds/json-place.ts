import type { PointerNames } from './json-pointer';

/** Where in a document the value lies that is read now. */
export class JsonPlace {
  /** A name or a place for each value around it. */
  private readonly path: (string | number)[] = [];

  /** How many values lie around it. */
  get depth(): number {
    return this.path.length;
  }

  /** Its name or place in the value around it. */
  get key(): string | number | undefined {
    return this.path.at(-1);
  }

  enter(isArray: boolean): void {
    this.path.push(isArray ? 0 : '');
  }

  leave(): void {
    this.path.pop();
  }

  name(name: string): void {
    this.path[this.path.length - 1] = name;
  }

  /** Behind a value: the next of a list has the next place. */
  stepOn(): void {
    const last = this.path.length - 1;
    if (typeof this.path[last] === 'number') this.path[last]++;
  }

  isAt(names: PointerNames): boolean {
    return this.path.length === names.length && this.leads(names);
  }

  /** Whether it lies directly in the value to which `names` lead. */
  isIn(names: PointerNames): boolean {
    return this.path.length === names.length + 1 && this.leads(names);
  }

  private leads(names: PointerNames): boolean {
    return names.every((name, at) => name === '*' || name === String(this.path[at]));
  }
}
