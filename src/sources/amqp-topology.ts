/** Exchange, queue and binding of the source `amqp`, with the defaults of Argo Events. */
import type { Channel, Options } from 'amqplib';
import { parse } from 'yaml';
import { isJsonObject } from '../event/json';
import type { EventOptions } from '../manifest/event-source';

export type AmqpOptions = EventOptions<'amqp'>;

/** The broker deletes it with its connection, and names it. */
const TEMPORARY_QUEUE = { name: '', durable: false, autoDelete: false, exclusive: true } as const;
const DURABLE_EXCHANGE = { durable: true, autoDelete: false, internal: false } as const;
/** Characters: the YAML library reads nested text by recursion. */
const LONGEST_ARGUMENTS = 1_024;

export class AmqpArgumentsUnusable extends Error {}

/** Whether messages wait in the queue while it has no reader, so that another connection can count them. */
export function keepsMessages({ queueDeclare = TEMPORARY_QUEUE }: AmqpOptions): boolean {
  return Boolean(queueDeclare.name) && queueDeclare.exclusive !== true;
}

/** Returns the name of the queue. Throws errors of the broker, and AmqpArgumentsUnusable. */
export async function declareTopology(channel: Channel, spec: AmqpOptions): Promise<string> {
  const { exchangeName = '', exchangeType = '', routingKey = '', exchangeDeclare = DURABLE_EXCHANGE } = spec;
  // Every queue is bound to the default exchange, which cannot be declared.
  if (exchangeName !== '') {
    await channel.assertExchange(exchangeName, exchangeType, {
      durable: exchangeDeclare.durable === true,
      autoDelete: exchangeDeclare.autoDelete === true,
      internal: exchangeDeclare.internal === true,
    });
  }
  const { queue } = await channel.assertQueue(spec.queueDeclare?.name ?? '', queueOptions(spec));
  if (exchangeName !== '') await channel.bindQueue(queue, exchangeName, routingKey);
  return queue;
}

function queueOptions({ queueDeclare = TEMPORARY_QUEUE }: AmqpOptions): Options.AssertQueue {
  const text = 'arguments' in queueDeclare ? queueDeclare.arguments : undefined;
  return {
    durable: queueDeclare.durable === true,
    autoDelete: queueDeclare.autoDelete === true,
    exclusive: queueDeclare.exclusive === true,
    ...(text && { arguments: parseQueueArguments(text) }),
  };
}

/** A table as YAML. Throws AmqpArgumentsUnusable. */
function parseQueueArguments(text: string): Readonly<Record<string, unknown>> {
  if (text.length > LONGEST_ARGUMENTS) throw new AmqpArgumentsUnusable('queueDeclare.arguments is too long');
  let table: unknown;
  try {
    table = parse(text, { maxAliasCount: 0 }) ?? {};
  } catch {
    throw new AmqpArgumentsUnusable('queueDeclare.arguments is not YAML');
  }
  if (!isJsonObject(table)) throw new AmqpArgumentsUnusable('queueDeclare.arguments is not a map of names and values');
  return table;
}
