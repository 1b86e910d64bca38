/**
 * Bounds replies of Kafka as they arrive: the client collects each until it ends, and a broker that a manifest names can
 * announce one of two gigabytes. Each reply begins with its size.
 */
import type { Socket } from 'node:net';

/** A fetch asks for a few MiB, but one batch of records is delivered whole, whatever its size. */
const LONGEST_REPLY = 64 * 1024 * 1024;
const SIZE_BYTES = 4;

export function limitReplies(socket: Socket): void {
  let toCome = 0;
  const size: number[] = [];
  // Added before the listener of the client, so that it hears of the end first.
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length;) {
      if (toCome > 0) {
        const taken = Math.min(toCome, chunk.length - at);
        toCome -= taken;
        at += taken;
        continue;
      }
      size.push(chunk[at] ?? 0);
      at += 1;
      if (size.length < SIZE_BYTES) continue;
      toCome = Buffer.from(size.splice(0)).readInt32BE(0);
      if (toCome > LONGEST_REPLY || toCome < SIZE_BYTES) throw new Error(`a reply of Kafka has ${toCome} bytes`);
    }
  });
}
