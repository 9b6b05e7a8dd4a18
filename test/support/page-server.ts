import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A page of somebody else, on a port of its own. */
export interface PageServer {
  readonly url: string;
  /** The same page at another site: cookies of 127.0.0.1 know no ports, those of localhost are others. */
  readonly otherSite: string;
  close(): Promise<void>;
}

/** Answers every path with the page, and with these headers besides. */
export async function servePage(html: string, headers: Record<string, string> = {}): Promise<PageServer> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(html);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    otherSite: `http://localhost:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
