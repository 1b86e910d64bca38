/**
 * A system with an example of everything to see in the Temporal UI: runs that succeeded, runs that are parked, a sensor
 * that holds one event and waits for another. For pictures of the UI and for its tests.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import Redis from 'ioredis';
import { SluiceCommand } from './demo/command';
import { DevServerError } from './dev-server-error';
import { repoRoot } from './repo-root';
import { generateStacItems } from './stac-items';
import { startSystem, type OwnSystem } from './system';
import { startWorker, type RunningWorker } from './worker-process';

export const PICTURED_ARGO_UI = 'https://argo.example';
const NAMESPACE = 'default';
const COLLECTION = 'sentinel-2-l2a';
const SCENES_ON_STREAM = 4;
const SCENES_ON_CHANNEL = 3;
const PATIENCE_MS = 60_000;

export interface PicturedSystem {
  readonly system: OwnSystem;
  readonly client: Client;
  readonly sluice: SluiceCommand;
  /** Workflow ids of runs, by sensor and state. */
  runs(sensor: string, state: string): Promise<readonly string[]>;
  /** As OwnSystem, but also stops the workers. */
  stop(): Promise<void>;
}

export async function startPicturedSystem(): Promise<PicturedSystem> {
  const closing: Array<() => Promise<unknown>> = [];
  const stop = async (): Promise<void> => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const scenes = generateStacItems().filter(({ properties }) => properties['eo:cloud_cover'] < 80);
    const system = await startSystem({ own: true, scenes, workflowDurationMs: 800 });
    closing.push(() => system.stop());
    const environment = { ...system.environment, SLUICE_ARGO_UI: PICTURED_ARGO_UI };
    const worker: RunningWorker = await startWorker('all-in-one', environment);
    closing.push(() => worker.stop());
    const connection = await Connection.connect({ address: system.temporal.address });
    closing.push(() => connection.close());
    const client = new Client({ connection });
    const runs = (sensor: string, state: string): Promise<string[]> =>
      listIds(client, `SluiceSensor = '${NAMESPACE}/${sensor}' AND SluiceState = '${state}'`);
    const sluice = new SluiceCommand(environment);
    const manifests = [join(repoRoot, 'examples', 'water-bodies'), join(repoRoot, 'dev', 'pictured')];
    await sluice.json(
      ...['apply', ...manifests.flatMap((path) => ['-f', path])],
      ...['-n', NAMESPACE, '--kubernetes', '--wait', '30s'],
    );
    await publishScenes(system, sluice, async (published) => {
      await until(async () => (await runs('flood-watch', 'Parked')).length >= published);
    });
    await until(async () => (await runs('water-bodies', 'Succeeded')).length > SCENES_ON_CHANNEL);
    return { system, client, sluice, runs, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Publishes scenes on the stream at once, so that one run carries several; those on the channel one by one. */
async function publishScenes(
  system: OwnSystem,
  sluice: SluiceCommand,
  arrived: (count: number) => Promise<void>,
): Promise<void> {
  const api = system.stac?.url ?? '';
  await sluice.json(
    ...['stac', 'publish', '--api', api, '--collection', COLLECTION, '--redis', system.redis.url],
    ...['--stream', 'stac-items', '--form', 'flat', '--producer', 'project-a'],
    ...['--max-items', String(SCENES_ON_STREAM)],
  );
  const answer = await fetch(`${api}/collections/${COLLECTION}/items?limit=${SCENES_ON_CHANNEL}`);
  const { features } = (await answer.json()) as { features: readonly unknown[] };
  const redis = new Redis(system.redis.url);
  try {
    for (const [index, scene] of features.entries()) {
      await redis.publish('stac-events', JSON.stringify(scene));
      await arrived(index + 1);
    }
  } finally {
    redis.disconnect();
  }
}

async function listIds(client: Client, query: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new DevServerError('the system for pictures did not come to the expected state');
    await pause(100);
  }
}
