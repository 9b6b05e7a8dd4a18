import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf, isAlive } from './process-identity';
import type { ProcessIdentity } from './process-identity';
import { readState, saveState } from './saved-state';

let opened = 0;

/** Says who uses the stores of one home, one file per opening; call it under the home's lock only. */
export class StoreUsers {
  private readonly directory: string;
  private readonly ownFile = `${process.pid}-${++opened}.json`;

  constructor(home: string) {
    this.directory = join(home, 'private-stores.users');
  }

  join(): void {
    mkdirSync(this.directory, { recursive: true });
    const own = identityOf(process.pid) ?? { pid: process.pid, beganAt: '' };
    saveState(join(this.directory, this.ownFile), own);
  }

  /** Removes this user and all who died without leaving; true when nobody is left. */
  leave(): boolean {
    rmSync(join(this.directory, this.ownFile), { force: true });
    return this.prune() === 0;
  }

  /** Removes the files of the dead and counts the living. */
  prune(): number {
    let living = 0;
    for (const file of this.files()) {
      const path = join(this.directory, file);
      if (isAlive(readState<ProcessIdentity>(path, ['pid', 'beganAt']))) living++;
      else rmSync(path, { force: true });
    }
    return living;
  }

  private files(): string[] {
    try {
      return readdirSync(this.directory);
    } catch {
      return [];
    }
  }
}
