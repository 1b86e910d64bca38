/** An HTTP server whose answers a test holds back, and that counts how many requests are under way at a time. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface GatedReceiver {
  readonly url: string;
  /** Answers what waits, and from now on everything at once. */
  open(): void;
  /** Answers this many of those that wait, the oldest first. */
  answer(count: number): void;
  names(): readonly string[];
  /** Requests that wait for an answer now. */
  underWay(): number;
  mostAtOnce(): number;
  close(): Promise<void>;
}

export async function startGatedReceiver(): Promise<GatedReceiver> {
  const names: string[] = [];
  const underWay = new Set<ServerResponse>();
  /** Read, and not answered. */
  const waiting = new Set<ServerResponse>();
  let isOpen = false;
  let most = 0;
  const forget = (response: ServerResponse): void => {
    underWay.delete(response);
    waiting.delete(response);
  };
  const answerOne = (response: ServerResponse): void => {
    forget(response);
    response.end();
  };
  const server: Server = createServer((request, response) => {
    underWay.add(response);
    most = Math.max(most, underWay.size);
    // A worker that ends gives up its calls.
    response.on('close', () => forget(response));
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      names.push((JSON.parse(Buffer.concat(parts).toString()) as { name: string }).name);
      if (isOpen) answerOne(response);
      else waiting.add(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open() {
      isOpen = true;
      for (const response of [...waiting]) answerOne(response);
    },
    answer(count) {
      for (const response of [...waiting].slice(0, count)) answerOne(response);
    },
    names: () => names,
    underWay: () => underWay.size,
    mostAtOnce: () => most,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
