/**
 * The permissions that a NATS user of one tenant needs, none of which reaches another. Pure.
 *
 * Deliberately omitted, because each would reach data of others: creating and changing streams (a stream may have
 * another as its source), and `DIRECT.GET` (its response is the stored text, sent to any subject that the caller
 * names).
 */
import { BUCKETS, bucketName, bucketStream, type BusNames } from './bus-names';

export interface NatsPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** For a bus with a stream of its own, whose streams and buckets exist. */
export function tenantPermissions(names: BusNames): NatsPermissions {
  const { tenant, events, decisions, held } = names;
  const buckets = BUCKETS.map((purpose) => bucketName(names, purpose));
  const streams = [events, decisions, held].map(({ stream }) => stream);
  return {
    publish: [
      `sluice.${tenant}.>`,
      ...buckets.map((bucket) => `$KV.${bucket}.>`),
      '$JS.API.INFO',
      ...[...streams, ...buckets.map(bucketStream)].flatMap((stream) => [
        `$JS.API.STREAM.INFO.${stream}`,
        `$JS.API.STREAM.MSG.GET.${stream}`,
      ]),
      ...[events.stream, held.stream].map((stream) => `$JS.API.STREAM.PURGE.${stream}`),
      ...[events.stream, decisions.stream].flatMap(readingFrom),
    ],
    subscribe: [`${names.inboxPrefix}.>`],
  };
}

function readingFrom(stream: string): string[] {
  return [
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.*`,
    `$JS.API.CONSUMER.INFO.${stream}.*`,
    `$JS.API.CONSUMER.DELETE.${stream}.*`,
    `$JS.API.CONSUMER.LIST.${stream}`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
    `$JS.ACK.${stream}.>`,
  ];
}

/** Formats permissions for the server's configuration file. */
export function formatPermissions({ publish, subscribe }: NatsPermissions): string {
  const lines = publish.map((subject) => `    "${subject}"`);
  const inboxes = subscribe.map((subject) => `"${subject}"`).join(', ');
  return `permissions: {\n  publish: { allow: [\n${lines.join('\n')}\n  ] }\n  subscribe: { allow: [${inboxes}] }\n}`;
}
