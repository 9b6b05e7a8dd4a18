import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const isSmall = process.env['ROLE'] !== 'api';

// Imported before anything else, because the young generation grows while the libraries load and never shrinks.
// With 16 MB, V8's default, a worker stays 25 MB larger; a process that only answers HTTP gains from the room.
if (isSmall) {
  setFlagsFromString('--max-semi-space-size=2');
  setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * Gives back what the start has left: V8 first collects its old generation when that has doubled, which is never in a
 * worker with little to do.
 */
export function collectAfterStart(): void {
  if (!isSmall) return;
  // Node hands this function out only under a flag that has to be set before a context is made.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
}
