// A mail server in a process of its own that takes everything, after as many milliseconds as it is told, and tells how much.
import { SMTPServer } from 'smtp-server';

const { delayMs } = JSON.parse(process.argv[2]);
let delay = delayMs;
let taken = 0;
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  onData: (stream, _session, done) => {
    stream.resume();
    stream.once('end', () => {
      taken += 1;
      if (delay === 0) done();
      else setTimeout(done, delay);
    });
  },
});
server.on('error', () => undefined);
process.on('message', (message) => {
  if (message.delayMs !== undefined) delay = message.delayMs;
  process.send({ taken });
  taken = 0;
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.server.address().port }));
process.once('disconnect', () => process.exit());
