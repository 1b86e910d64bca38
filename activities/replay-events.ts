/** One portion of a replay: read from the bus, decide as the listener does, start what has not fired. */
import { Context, heartbeat } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { StoredEvent } from '../src/bus/bus';
import { eventSubject } from '../src/bus/subjects';
import { eventKey } from '../src/event/cloud-event';
import { shortEventId } from '../src/event/short-id';
import { fireId } from '../src/run/fire-id';
import { planSensor } from '../src/sensor/sensor-plan';
import { sensorRef, sensorWorkflowId } from '../workflows/identity';
import { observeSignal, type Observation, type ReplayProgress, type SensorDefinition } from '../workflows/messages';
import { createRunStart } from '../workflows/run-start';
import type { ReplayPortionRequest } from './contracts';
import { decideFires, type DirectFire } from './decide-fires';
import { toApplicationFailure } from './failures';
import { readRunInput } from './retrigger';
import { groupIntoRuns, startRun } from './start-runs';
import type { WorkerDependencies } from './worker-dependencies';

const PORTION = 500;
const MAX_EXAMPLES = 100;

export function createReplayActivities({ buses, engine }: WorkerDependencies) {
  return {
    async sluiceReplayPortion({
      definition,
      request,
      replayId,
      progress,
    }: ReplayPortionRequest): Promise<ReplayProgress> {
      const { client, info } = Context.current();
      try {
        const bus = await buses.get(definition.bus);
        const plan = planSensor(definition.spec, definition.options);
        const lastSequence = progress.lastSequence ?? request.toSequence ?? (await bus.extent()).last;
        const stored: StoredEvent[] = [];
        const range = bus.readEvents({
          subjects: plan.interests.map(({ eventSourceName, eventName }) => eventSubject(eventSourceName, eventName)),
          ...(progress.nextSequence === undefined
            ? {
                ...(request.fromSequence !== undefined && { fromSequence: request.fromSequence }),
                ...(request.from && { fromTime: request.from }),
              }
            : { fromSequence: progress.nextSequence }),
          toSequence: lastSequence,
          ...(request.to && { toTime: request.to }),
          limit: PORTION,
        });
        for await (const event of range) stored.push(event);
        heartbeat();

        const decisions = await decideFires(definition, plan, stored, engine);
        const all = decisions.flatMap(({ fires }) => fires);
        const done = request.again ? new Set<string>() : await findFired(client, definition, all);
        const wanted = all.filter((fire) => !done.has(identify(fire)));
        const observations = decisions.flatMap((decision) => decision.observations);
        if (!request.dryRun) {
          await startAll(client, info.taskQueue, definition, wanted, request.again ? replayId : undefined, {
            runId: `replay ${replayId}`,
            by: request.by,
            why: request.why,
          });
          await observeAgain(client, definition, observations, request.again);
        }
        return advance(progress, stored, decisions, wanted, all.length - wanted.length, lastSequence);
      } catch (error) {
        throw toApplicationFailure(error);
      }
    },
  };
}

type Decisions = Awaited<ReturnType<typeof decideFires>>;

function advance(
  progress: ReplayProgress,
  stored: readonly StoredEvent[],
  decisions: Decisions,
  fired: readonly DirectFire[],
  skipped: number,
  lastSequence: number,
): ReplayProgress {
  const isMatched = ({ fires, observations }: Decisions[number]): boolean => fires.length + observations.length > 0;
  const failed = decisions.filter((decision) => decision.records.some((record) => record.decision === 'failed')).length;
  const matched = decisions.filter(isMatched).length;
  const position = new Map(stored.map(({ event, sequence }) => [event === undefined ? '' : eventKey(event), sequence]));
  const triggersOf = new Map<string, string[]>();
  for (const { event, trigger } of fired) {
    const key = eventKey(event);
    triggersOf.set(key, [...(triggersOf.get(key) ?? []), trigger]);
  }
  const last = stored.at(-1)?.sequence;
  return {
    state: stored.length < PORTION || last === undefined || last >= lastSequence ? 'Completed' : 'Running',
    read: progress.read + stored.length,
    matched: progress.matched + matched,
    fired: progress.fired + fired.length,
    skipped: progress.skipped + skipped,
    unmatched: progress.unmatched + stored.length - matched - failed,
    failed: progress.failed + failed,
    lastSequence,
    ...(last === undefined ? {} : { nextSequence: last + 1 }),
    examples: [
      ...progress.examples,
      ...[...triggersOf].map(([key, triggers]) => ({ eventKey: key, sequence: position.get(key) ?? 0, triggers })),
    ].slice(0, MAX_EXAMPLES),
  };
}

async function startAll(
  client: Client,
  taskQueue: string,
  definition: SensorDefinition,
  fires: readonly DirectFire[],
  round: string | undefined,
  origin: { runId: string; by: string; why: string },
): Promise<void> {
  const renamed = fires.map((fire) => ({
    ...fire,
    id:
      round === undefined
        ? fire.id
        : fireId(definition, fire.trigger, { [fire.dependency]: [eventKey(fire.event)] }, round),
    bytes: JSON.stringify(fire.event).length,
  }));
  for (const run of groupIntoRuns(definition, renamed)) {
    const loaded = run.input.fires.map((fire) => ({
      id: fire.id,
      trigger: fire.trigger,
      dependencies: Object.fromEntries(
        Object.entries(fire.dependencies).map(([name, indexes]) => [
          name,
          indexes.map((index) => run.input.events[index]).filter((event) => event !== undefined),
        ]),
      ),
    }));
    const key = `${run.workflowId.split('/').slice(3).join('/')}~${origin.runId.replace(' ', '-')}`;
    await startRun(client.workflow, taskQueue, createRunStart(definition, loaded, { key, retriggerOf: origin }));
    heartbeat();
  }
}

async function observeAgain(
  client: Client,
  { namespace, name }: SensorDefinition,
  observations: readonly Observation[],
  again: boolean,
): Promise<void> {
  if (observations.length === 0) return;
  const marked = observations.map((observation) => ({ ...observation, ...(again && { again }) }));
  await client.workflow.getHandle(sensorWorkflowId(namespace, name)).signal(observeSignal, { observations: marked });
}

/** Trigger and events of fires that some run has carried, whatever round it was. */
async function findFired(
  client: Client,
  definition: SensorDefinition,
  fires: readonly DirectFire[],
): Promise<Set<string>> {
  const done = new Set<string>();
  const seen = new Set<string>();
  const shortIds = [...new Set(fires.map(({ event }) => shortEventId(eventKey(event))))];
  for (let from = 0; from < shortIds.length; from += 50) {
    const list = shortIds
      .slice(from, from + 50)
      .map((id) => `'${id}'`)
      .join(', ');
    const query = `SluiceSensor = '${sensorRef(definition.namespace, definition.name)}' AND SluiceEventIds IN (${list})`;
    for await (const { workflowId } of client.workflow.list({ query })) {
      if (seen.has(workflowId)) continue;
      seen.add(workflowId);
      const input = await readRunInput(client, workflowId);
      for (const fire of input.fires) {
        for (const [dependency, indexes] of Object.entries(fire.dependencies)) {
          for (const index of indexes) {
            const event = input.events[index];
            if (event !== undefined) done.add(identify({ trigger: fire.trigger, dependency, event }));
          }
        }
      }
      heartbeat();
    }
  }
  return done;
}

function identify({ trigger, dependency, event }: Pick<DirectFire, 'trigger' | 'dependency' | 'event'>): string {
  return JSON.stringify([trigger, dependency, eventKey(event)]);
}
