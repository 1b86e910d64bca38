/** A cluster of one in which manifests are applied, events come in, and a receiver gets what triggers send. */
import Redis from 'ioredis';
import { startHttpRecorder, type HttpRecorder } from '../setup/http-recorder';
import { startClusterOfOne, type ClusterOfOne, type ClusterOptions } from './cluster-of-one';

export interface ClusterAtWork extends ClusterOfOne {
  readonly receiver: HttpRecorder;
  readonly client: Redis;
  /** Applies documents and waits until their sources and sensors are ready. They are deleted when the cluster stops. */
  apply(...documents: readonly string[]): Promise<void>;
  /** Adds an entry to a Redis stream; answers its id. */
  add(stream: string, fields: Readonly<Record<string, string>>): Promise<string>;
  /** The EventBus `default`, as a document. */
  readonly busDocument: string;
  /** The EventSource `stac`, as a document: events by name, each with the stream that it reads. */
  sourceDocument(streams: Readonly<Record<string, string>>): string;
  /** What a `redisStream` event source says to read this stream. */
  streamSpec(stream: string): string;
}

export async function startClusterAtWork(options?: ClusterOptions): Promise<ClusterAtWork> {
  const [cluster, receiver] = await Promise.all([startClusterOfOne(options), startHttpRecorder()]);
  const { redis, nats } = cluster;
  const client = new Redis(redis.url);
  await cluster.startWorkers();
  const streamSpec = (stream: string): string =>
    `{ hostAddress: '${redis.host}:${redis.port}', consumerGroup: g, streams: [${stream}] }`;
  let applied: string | undefined;
  return {
    ...cluster,
    receiver,
    client,
    apply: async (...documents) => {
      applied = await cluster.manifest('all.yaml', ...documents);
      const { exitCode, stderr } = await cluster.sluice(['apply', '-f', applied, '--wait', '30s']);
      if (exitCode !== 0) throw new Error(`sluice apply ended with ${exitCode}: ${stderr}`);
    },
    add: async (stream, fields) => (await client.xadd(stream, '*', ...Object.entries(fields).flat())) ?? '',
    busDocument: `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: default }
spec: { jetstreamExotic: { url: '${nats.url}' } }
`,
    sourceDocument: (streams) => `apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: stac }
spec:
  redisStream:
${Object.entries(streams)
  .map(
    ([event, stream]) => `    ${event}: ${streamSpec(stream)}
`,
  )
  .join('')}`,
    streamSpec,
    stop: async () => {
      // Workflows of a shared server must not wait for workers that are gone.
      if (applied !== undefined) await cluster.sluice(['delete', '-f', applied]);
      client.disconnect();
      await receiver.close();
      await cluster.stop();
    },
  };
}
