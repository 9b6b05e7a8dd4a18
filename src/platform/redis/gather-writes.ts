import type { Redis } from 'ioredis';

// Redis begins on the first commands while this process still makes the others.
const MAX_GATHERED = 25;

/**
 * From now on the connection writes the commands of one turn of the event loop together, 25 at a time.
 * A write for each one wakes Redis for each one, which costs a busy worker as much as the commands themselves.
 */
export function gatherWrites(client: Redis): void {
  const send = client.sendCommand.bind(client);
  let gathered = 0;
  client.sendCommand = (command, stream) => {
    const socket = client.stream as Redis['stream'] | undefined;
    if (socket === undefined) return send(command, stream);
    if (gathered === 0) {
      socket.cork();
      process.nextTick(() => {
        gathered = 0;
        socket.uncork();
      });
    }
    gathered += 1;
    const answer = send(command, stream);
    if (gathered % MAX_GATHERED === 0) {
      socket.uncork();
      socket.cork();
    }
    return answer;
  };
}
