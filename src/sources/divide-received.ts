/** Divides what came from a transport into events and input that is none, each in the order in which it came. */
import type { Delivery, ReceivedEvent, RejectedInput } from './source';

export function divideReceived<Message>(
  messages: readonly Message[],
  read: (message: Message) => ReceivedEvent | RejectedInput,
): Pick<Delivery, 'events' | 'rejected'> {
  const events: ReceivedEvent[] = [];
  const rejected: RejectedInput[] = [];
  for (const message of messages) {
    const result = read(message);
    if ('code' in result) rejected.push(result);
    else events.push(result);
  }
  return { events, rejected };
}
