import { Module } from 'node:module';
import { dirname, join } from 'node:path';

// Imported before anything else. A worker describes no API, and the library that does takes 6 MB: its own stand-in, whose
// decorators do nothing, takes its place. The stand-in is not among the package's exports.
if (process.env['ROLE'] === 'worker') {
  const path = require.resolve('@nestjs/swagger');
  const standIn = new Module(path);
  standIn.exports = require(join(dirname(path), 'extra/swagger-shim.js')) as object;
  standIn.loaded = true;
  require.cache[path] = standIn;
}
