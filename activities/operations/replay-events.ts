/** One portion of a replay: reads from the bus, decides as the listener does, starts fires that have not fired. */
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { Bus, BusExtent, StoredEvent } from '../../src/bus/bus';
import { eventPath } from '../../src/bus/event-path';
import { eventKey } from '../../src/event/cloud-event';
import { fireId } from '../../src/sandbox/run/fire-id';
import { conditionDependencies, parseCondition } from '../../src/sandbox/conditions/conditions';
import { planSensor, type SensorPlan } from '../../src/sandbox/sensor/sensor-plan';
import { LEAST_URGENT } from '../../src/contract/priority';
import { sensorWorkflowId } from '../../src/contract/identity';
import type { SensorDefinition } from '../../src/contract/definitions';
import type { ReplayProgress, ReplayRequest } from '../../src/contract/replay-messages';
import { sensorDependenciesQuery, type Observation } from '../../src/contract/sensor-messages';
import type { RunStart } from '../../src/contract/run-start';
import type { ReplayPortionRequest } from '../../src/contract/activities';
import { decideFires, type EventDecision } from '../listener/decide-fires';
import type { DirectFire } from '../starting/direct-fire';
import { explainTemporalFailure, toApplicationFailure } from '../worker/failures';
import { findCarried, type Carried } from './find-carried';
import { planRuns } from '../starting/group-into-runs';
import { notConnected, startHeartbeat } from '../worker/heartbeat';
import { hasCapacityWithin, mayHoldBack } from '../listener/sensor-capacity';
import { startPlanned } from '../starting/start-runs';
import { observeEvents } from '../listener/observe-events';
import type { WorkerDependencies } from '../worker/worker-dependencies';

const PORTION = 500;
const MAX_EXAMPLES = 50;
/** A sensor that holds back accepts no replayed events either; the workflow asks again after this time. */
const CAPACITY_PATIENCE_MS = 5 * 60_000;
/** Used in examples for triggers that the sensor workflow decides. */
const JOINED = 'sensor';

/** Result of one portion: the same if the activity is retried after its worker died. */
interface Portion {
  readonly stored: readonly StoredEvent[];
  readonly decisions: readonly EventDecision[];
  readonly fires: readonly DirectFire[];
  readonly observations: readonly Observation[];
  readonly skipped: number;
}

export function createReplayActivities({ buses, engine, fireLoad }: WorkerDependencies) {
  return {
    async sluiceReplayPortion(portionRequest: ReplayPortionRequest): Promise<ReplayProgress> {
      const { definition, request, replayId, progress } = portionRequest;
      const { client, info, cancellationSignal } = Context.current();
      const heartbeat = startHeartbeat(notConnected());
      try {
        return await buses.use(definition.bus, cancellationSignal, async (bus) => {
          const plan = planSensor(definition.spec, definition.options);
          const holdsBack = async (): Promise<boolean> =>
            mayHoldBack(plan) &&
            !(await hasCapacityWithin(CAPACITY_PATIENCE_MS, client, definition, cancellationSignal));
          if (!request.dryRun && (await holdsBack())) return progress;
          const limits = await readLimits(bus, portionRequest);
          const stored = await readPortion(bus, plan, portionRequest, limits.lastSequence);
          const decisions = await decideFires(definition, plan, stored, engine);
          const round = `${replayId}-${stored[0]?.sequence ?? 0}`;
          const portion = await selectWanted(client, definition, stored, decisions, request.again, round);
          let refused = 0;
          let unheld = 0;
          if (!request.dryRun) {
            const origin = { runId: info.workflowExecution?.workflowId ?? '', by: request.by, why: request.why };
            const adapt = (run: RunStart): RunStart => ({
              ...run,
              workflowId: `${run.workflowId}~replay-${round}`,
              // Events that come meanwhile go first.
              input: { ...run.input, retriggerOf: origin, priority: LEAST_URGENT },
            });
            for (const planned of planRuns(
              definition,
              renew(definition, portion.fires, request.again ? replayId : ''),
            )) {
              await fireLoad.start(
                definition,
                planned.fires.map(({ id }) => id),
                cancellationSignal,
                LEAST_URGENT,
              );
              cancellationSignal.throwIfAborted();
              const starts = await startPlanned(client.workflow, info.taskQueue, definition, [planned], adapt);
              for (const start of starts.values()) {
                if (start.kind === 'postponed') throw start.error;
                if (start.kind === 'refused') refused += 1;
              }
            }
            unheld = await observe(client, definition, plan, portion.observations, replayId, request.again);
          }
          return advance(progress, portion, limits, { fires: refused, observations: unheld });
        });
      } catch (error) {
        throw toApplicationFailure(explainTemporalFailure(error));
      } finally {
        heartbeat.stop();
      }
    },
  };
}

type Limits = Pick<ReplayProgress, 'keptFrom' | 'leftToSensor'> & { readonly lastSequence: number };

/** Determined once, by the first portion: events published later do not belong to the replay. */
async function readLimits(bus: Bus, { definition, request, progress }: ReplayPortionRequest): Promise<Limits> {
  if (progress.lastSequence !== undefined) return { ...progress, lastSequence: progress.lastSequence };
  const extent = await bus.extent();
  // Queried second: events published between the two queries count in neither.
  const position = await bus.position(definition.namespace, definition.name);
  const wanted = Math.min(request.toSequence ?? extent.last, extent.last);
  const isLeft = position !== undefined && position.waiting > 0 && position.handledTo < wanted;
  return {
    lastSequence: isLeft ? position.handledTo : wanted,
    ...(isLeft && { leftToSensor: position.handledTo + 1 }),
    ...(beginsBefore(request, extent) && { keptFrom: extent.first }),
  };
}

function beginsBefore({ from, fromSequence }: ReplayRequest, { first, firstAt }: BusExtent): boolean {
  if (fromSequence !== undefined) return fromSequence < first;
  return first > 1 && from !== undefined && firstAt !== undefined && Date.parse(from) < Date.parse(firstAt);
}

async function readPortion(
  bus: Bus,
  plan: SensorPlan,
  { request, progress }: ReplayPortionRequest,
  toSequence: number,
): Promise<StoredEvent[]> {
  const stored: StoredEvent[] = [];
  const range = bus.readEvents({
    paths: plan.interests.map(({ eventSourceName, eventName }) => eventPath(eventSourceName, eventName)),
    ...(progress.nextSequence === undefined
      ? {
          ...(request.fromSequence !== undefined && { fromSequence: request.fromSequence }),
          ...(request.from !== undefined && { fromTime: request.from }),
        }
      : { fromSequence: progress.nextSequence }),
    toSequence,
    ...(request.to !== undefined && { toTime: request.to }),
    limit: PORTION,
  });
  for await (const event of range) stored.push(event);
  return stored;
}

/** Without `again`: only events that no run has carried and no joined trigger holds. */
async function selectWanted(
  client: Client,
  definition: SensorDefinition,
  stored: readonly StoredEvent[],
  decisions: readonly EventDecision[],
  again: boolean,
  round: string,
): Promise<Portion> {
  const fires = uniqueFires(decisions.flatMap((decision) => decision.fires));
  const observations = decisions.flatMap((decision) => decision.observations);
  const all = { stored, decisions };
  if (again) return { ...all, fires, observations, skipped: 0 };
  const keys = [...fires, ...observations].map(({ event }) => eventKey(event));
  const carried = await findCarried(client, definition, [...new Set(keys)], round);
  const held = observations.length === 0 ? new Set<string>() : await findHeld(client, definition);
  const wantedFires = fires.filter(
    ({ trigger, dependency, event }) => !carried.hasFire(trigger, dependency, eventKey(event)),
  );
  const wantedObservations = observations.filter((observation) => isUnused(observation, carried, held));
  const skipped = fires.length + observations.length - wantedFires.length - wantedObservations.length;
  return { ...all, fires: wantedFires, observations: wantedObservations, skipped };
}

function isUnused({ dependency, event }: Observation, carried: Carried, held: ReadonlySet<string>): boolean {
  const key = eventKey(event);
  return !held.has(`${dependency} ${key}`) && !carried.hasJoined(dependency, key);
}

/** Returns `<dependency> <event key>` of the events that joined triggers hold now. */
async function findHeld(client: Client, { namespace, name }: SensorDefinition): Promise<Set<string>> {
  const triggers = await client.workflow.getHandle(sensorWorkflowId(namespace, name)).query(sensorDependenciesQuery);
  return new Set(triggers.flatMap(({ held }) => held.map(({ dependency, eventKey: key }) => `${dependency} ${key}`)));
}

/** An event that was published twice is on the bus twice. */
function uniqueFires(fires: readonly DirectFire[]): DirectFire[] {
  return [...new Map(fires.map((fire) => [fire.id, fire])).values()];
}

/** A new id makes the trigger act again, instead of finding its own earlier object. */
function renew(definition: SensorDefinition, fires: readonly DirectFire[], round: string): readonly DirectFire[] {
  if (round === '') return fires;
  return fires.map((fire) => ({
    ...fire,
    id: fireId(definition, fire.trigger, { [fire.dependency]: [eventKey(fire.event)] }, round),
  }));
}

/** Returns how many observations Temporal rejects permanently. */
async function observe(
  client: Client,
  definition: SensorDefinition,
  plan: SensorPlan,
  observations: readonly Observation[],
  replayId: string,
  again: boolean,
): Promise<number> {
  const waiting = dependenciesThatMayWait(plan);
  const marked = observations.map((observation) => ({
    ...observation,
    ...(again && { again: replayId, round: replayId }),
    ...(!again && !waiting.has(observation.dependency) && { again: replayId }),
  }));
  let refused = 0;
  for (const telling of (await observeEvents(client.workflow, definition, marked)).values()) {
    if (telling.kind === 'postponed') throw telling.error;
    if (telling.kind === 'refused') refused += 1;
  }
  return refused;
}

/** Events of these may be collected or queued in the sensor, where they are not visible from outside. */
function dependenciesThatMayWait({ state, conditions }: SensorPlan): Set<string> {
  return new Set(
    state.triggers.flatMap(({ name, collect, concurrency }) =>
      collect || concurrency ? conditionDependencies(parseCondition(conditions.get(name) ?? '')) : [],
    ),
  );
}

/** `refused`: permanently rejected by Temporal. */
function advance(
  progress: ReplayProgress,
  portion: Portion,
  limits: Limits,
  refused: { readonly fires: number; readonly observations: number },
): ReplayProgress {
  const { stored, decisions, fires, observations, skipped } = portion;
  const { lastSequence, keptFrom, leftToSensor } = limits;
  const isMatched = (decision: EventDecision): boolean => decision.fires.length + decision.observations.length > 0;
  const isFailed = ({ records }: EventDecision): boolean => records.some(({ decision }) => decision === 'failed');
  const matched = decisions.filter(isMatched).length;
  const failed = decisions.filter((decision) => !isMatched(decision) && isFailed(decision)).length;
  const last = stored.at(-1)?.sequence;
  const nextSequence = last === undefined ? progress.nextSequence : last + 1;
  return {
    state: stored.length < PORTION || last === undefined || last >= lastSequence ? 'Completed' : 'Running',
    read: progress.read + stored.length,
    matched: progress.matched + matched,
    fired: progress.fired + fires.length - refused.fires,
    joined: progress.joined + observations.length - refused.observations,
    skipped: progress.skipped + skipped,
    unmatched: progress.unmatched + stored.length - matched - failed,
    failed: progress.failed + failed + refused.fires + refused.observations,
    lastSequence,
    ...(keptFrom !== undefined && { keptFrom }),
    ...(leftToSensor !== undefined && { leftToSensor }),
    ...(nextSequence !== undefined && { nextSequence }),
    examples: [...progress.examples, ...examplesOf(portion)].slice(0, MAX_EXAMPLES),
  };
}

function examplesOf({ stored, fires, observations }: Portion): ReplayProgress['examples'] {
  const triggersOf = new Map<string, Set<string>>();
  const note = (key: string, trigger: string): void =>
    void triggersOf.set(key, (triggersOf.get(key) ?? new Set()).add(trigger));
  for (const { event, trigger } of fires) note(eventKey(event), trigger);
  for (const { event } of observations) note(eventKey(event), JOINED);
  return stored.flatMap(({ event, sequence }) => {
    const key = event === undefined ? '' : eventKey(event);
    const triggers = triggersOf.get(key);
    triggersOf.delete(key);
    return triggers === undefined ? [] : [{ eventKey: key, sequence, triggers: [...triggers] }];
  });
}
