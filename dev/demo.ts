/**
 * `npm run demo`: the water-bodies system from end to end on real servers. Publishes the scenes of a STAC API to Redis
 * and shows how each becomes exactly one Argo Workflow, and why one that is all clouds becomes none. Exit code 0 only
 * if every check passes.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { Command } from 'commander';
import { connectBus } from '../src/bus/connect';
import { describeError } from '../src/errors/sluice-error';
import { createSecretReader } from '../src/kubernetes/secret-readers';
import { explainScene } from './demo/cloudy-scene';
import { SluiceCommand } from './demo/command';
import { updateJourneys, type Journey, type JourneySources, type Scene } from './demo/journeys';
import { prepareExample } from './demo/example';
import { createDemoNamespace, type DemoNamespace } from './demo/namespace';
import { DemoStory } from './demo/story';
import { removeFolder } from './processes/temporary-folder';
import { generateStacItems, type StacItem } from './stac-items';
import type { RunningKubernetes } from './servers';
import { startSystem, type RunningSystem } from './system';
import { startWorker, type RunningWorker } from './worker-process';

const SENSOR = 'water-bodies';
const COLLECTION = 'sentinel-2-l2a';
const AREA = '-121.399,39.834,-120.74,40.472';
/** The first passes are announced on the stream, the later ones on the channel. */
const LAST_DAY_ON_STREAM = '2021-07-09';
/** The sensor drops cloudier scenes; the demo's catalogue has none, so that each of its scenes must arrive. */
const CLOUD_LIMIT = 80;
const GIVE_UP_AFTER_MS = 120_000;
const LOOK_EVERY_MS = 250;

interface DemoOptions {
  readonly keep?: boolean;
  readonly scenes: string;
}

async function main(): Promise<number> {
  const program = new Command('npm run demo --')
    .description('Runs the water-bodies system on real servers and shows the way of every scene.')
    .option('--keep', 'stay up afterwards, to look around in the Temporal UI; Ctrl-C ends it')
    .option('--scenes <n>', 'scenes to publish on each of stream and channel', '6')
    .addHelpText('after', '\nExample:\n  npm run demo -- --keep')
    .parse();
  const options = program.opts<DemoOptions>();
  const story = new DemoStory();
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());

  let system: RunningSystem | undefined;
  let worker: RunningWorker | undefined;
  let namespace: DemoNamespace | undefined;
  try {
    story.chapter('Servers');
    const [clear, cloudy] = scenesByClouds();
    // Its scenes and manifests must not mix with existing data on a shared Redis, bus or Temporal.
    system = await startSystem({
      own: 'except-kubernetes',
      scenes: clear,
      workflowDurationMs: 1_500,
      onStarted: (name, where) => story.done(name, where),
    });
    namespace = await createDemoNamespace(system.kubernetes);
    worker = await startWorker('all-in-one', system.environment);
    story.done('Sluice workers', `${worker.healthUrl}/readyz`);

    const sluice = new SluiceCommand(system.environment);
    story.chapter('sluice apply -f examples/water-bodies --kubernetes');
    const applied = await applyExample(sluice, system.kubernetes, namespace.name);
    for (const [name, action] of listApplied(applied)) story.done(name, action);

    const scenes = await publish(sluice, system, Number(options.scenes), story);
    const arrived = await follow(scenes, system, namespace.name, story, stopped.signal);
    story.chapter(`sluice explain ${cloudy.id}: a scene that is all clouds, and why it makes no Workflow`);
    const explained = story.explain(await explainScene(cloudy, system.redis.url, sluice), 'filtered');
    if (options.keep && !stopped.signal.aborted) {
      story.lookAround(system.temporal.uiUrl, system.environment);
      await new Promise<void>((resolve) => stopped.signal.addEventListener('abort', () => resolve()));
    }
    return arrived && explained ? 0 : 1;
  } finally {
    await worker?.stop();
    await namespace?.remove();
    await system?.stop();
  }
}

async function applyExample(sluice: SluiceCommand, kubernetes: RunningKubernetes, namespace: string): Promise<unknown> {
  const example = await prepareExample(kubernetes);
  try {
    return await sluice.json('apply', '-f', example.path, '-n', namespace, '--kubernetes', '--wait', '30s');
  } finally {
    if (example.temporary) await removeFolder(example.path);
  }
}

function scenesByClouds(): [clear: StacItem[], cloudy: StacItem] {
  const isClear = ({ properties }: StacItem): boolean => properties['eo:cloud_cover'] < CLOUD_LIMIT;
  const items = generateStacItems();
  const cloudy = items.find((item) => !isClear(item));
  if (cloudy === undefined) throw new Error('the sky over the generated scenes is clear everywhere');
  return [items.filter(isClear), cloudy];
}

async function publish(
  sluice: SluiceCommand,
  system: RunningSystem,
  count: number,
  story: DemoStory,
): Promise<Scene[]> {
  const common = ['stac', 'publish', '--api', system.stac?.url ?? '', '--collection', COLLECTION, '--bbox', AREA];
  const redis = ['--redis', system.redis.url, '--max-items', String(count)];
  story.chapter('sluice stac publish: the catalogue is searched, scenes go to a stream and to a channel');
  const listed = await sluice.json(
    ...[...common, '--datetime', `../${LAST_DAY_ON_STREAM}T23:59:59Z`, ...redis],
    ...['--stream', 'stac-items', '--form', 'flat', '--producer', 'project-a'],
  );
  const announced = await sluice.json(
    ...[...common, '--datetime', `${LAST_DAY_ON_STREAM}T23:59:59Z/..`, ...redis],
    ...['--channel', 'stac-events', '--form', 'item'],
  );
  const scenes = [...readScenes(listed, 'stream stac-items'), ...readScenes(announced, 'channel stac-events')];
  story.done('published', `${scenes.length} scenes`);
  return scenes;
}

async function follow(
  scenes: readonly Scene[],
  system: RunningSystem,
  namespace: string,
  story: DemoStory,
  signal: AbortSignal,
): Promise<boolean> {
  story.chapter('The way of each scene');
  const connection = await Connection.connect({ address: system.temporal.address });
  const bus = await connectBus(
    { namespace, name: 'jetstream-event-bus', spec: { jetstream: {} } },
    createSecretReader({ env: {} }),
    { temporalNamespace: 'default', url: system.nats.url, readOnly: true },
  );
  const sources: JourneySources = {
    bus,
    client: new Client({ connection }),
    kubernetes: await system.kubernetes.connect(),
    temporalUiUrl: system.temporal.uiUrl,
    namespace,
    sensor: SENSOR,
  };
  const journeys = scenes.map((scene): Journey => ({ scene, workflows: [] }));
  try {
    const deadline = Date.now() + GIVE_UP_AFTER_MS;
    while (!signal.aborted && Date.now() < deadline && journeys.some(({ outcome }) => outcome === undefined)) {
      await updateJourneys(journeys, sources);
      story.tell(journeys);
      await pause(LOOK_EVERY_MS);
    }
    // Once more at the very end: a second Workflow for a scene would show now.
    await updateJourneys(journeys, sources);
    return story.end(journeys);
  } finally {
    sources.kubernetes.close();
    await bus.close();
    await connection.close();
  }
}

function readScenes(printed: unknown, place: string): Scene[] {
  const { items } = printed as { items: ReadonlyArray<{ id: string; href: string; entryId?: string }> };
  return items.map(({ id, href, entryId }) => ({
    id,
    href,
    redis: entryId === undefined ? place : `${place}, entry ${entryId}`,
  }));
}

function listApplied(printed: unknown): Array<[string, string]> {
  const { objects, kubernetes } = printed as {
    objects: ReadonlyArray<{ kind: string; name: string; action: string }>;
    kubernetes: ReadonlyArray<{ kind: string; name: string; action: string }>;
  };
  return [...kubernetes, ...objects].map(({ kind, name, action }) => [`${kind}/${name}`, action]);
}

main()
  .then((code) => {
    process.exitCode = code;
  })
  .catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  });
