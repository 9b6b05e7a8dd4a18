import { setFlagsFromString } from 'node:v8';

// Imported before anything else, because the young generation grows while the libraries load and never shrinks.
// With 16 MB, V8's default, a worker stays 25 MB larger; a process that only answers HTTP gains from the room.
if (process.env['ROLE'] !== 'api') {
  setFlagsFromString('--max-semi-space-size=2');
  setFlagsFromString('--semi-space-growth-factor=1');
}
