/** Where a message of JetStream stands, as the subject for its acknowledgement tells. Pure. */

export interface DeliveryPosition {
  readonly deliveryCount: number;
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly publishedAt: number;
  readonly pending: number;
}

/**
 * Parses `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<nanoseconds>.<pending>`, in newer
 * servers with domain and account before the stream and a token at the end. Returns undefined for any other subject.
 */
export function parseDeliveryPosition(reply: string): DeliveryPosition | undefined {
  const tokens = reply.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK') return undefined;
  const numbers = tokens.length === 9 ? tokens.slice(4) : tokens.slice(6, 11);
  const [deliveries, streamSequence, , nanoseconds, pending] = numbers;
  if (deliveries === undefined || streamSequence === undefined || !nanoseconds || pending === undefined)
    return undefined;
  return {
    deliveryCount: Number(deliveries),
    sequence: Number(streamSequence),
    publishedAt: Number(nanoseconds.slice(0, -6)),
    pending: Number(pending),
  };
}
