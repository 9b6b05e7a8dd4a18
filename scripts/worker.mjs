// Makes the clone ready, then runs a worker in the foreground: the same program without the API.
process.env['ROLE'] = 'worker';
await import('./start.mjs');
