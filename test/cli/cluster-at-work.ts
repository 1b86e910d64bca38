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
}

export async function startClusterAtWork(options?: ClusterOptions): Promise<ClusterAtWork> {
  const [cluster, receiver] = await Promise.all([startClusterOfOne(options), startHttpRecorder()]);
  const client = new Redis(cluster.redis.url);
  await cluster.startWorkers();
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
    stop: async () => {
      // Workflows of a shared server must not wait for workers that are gone.
      if (applied !== undefined) await cluster.sluice(['delete', '-f', applied]);
      client.disconnect();
      await receiver.close();
      await cluster.stop();
    },
  };
}
