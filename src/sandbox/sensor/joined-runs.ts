/** Turns decisions of the dependency state into the runs that carry them out. Pure. */
import type { CloudEvent } from '../../event/cloud-event';
import { jsonBytes } from '../../text/json-bytes';
import { shortHash } from '../../event/short-id';
import { fireId } from '../run/fire-id';
import type { ParkedEvents, ParkReason, StateFire } from './dependency-state-types';
import { eventOf, withoutContent, type RememberedEvent } from './held-contents';
import type { SensorDefinition } from '../../contract/definitions';
import type { SensorRunInput } from '../../contract/run-messages';
import { keysOf, mapLists, type LoadedFire } from '../../contract/packed-fires';
import { triggerPriority } from '../../contract/priority';
import { type JoinedRun, type RunStart, createRunStart, runKey } from '../../contract/run-start';

/** Event data in one run of several fires, in bytes: the server warns at 512 KB. */
const MAX_BYTES_TOGETHER = 400_000;
/** Temporal's limit is 2 MB (2,097,152 bytes), and the other fields of the run need some of it. */
const MAX_RUN_BYTES = 1_900_000;

/** A fire as the sensor remembers it: contents may be on the bus. */
type RememberedFire = Omit<LoadedFire<RememberedEvent>, 'id'>;

/** Fires decided together share a run, as far as its size allows, with others that are as urgent. `isLimited`: the trigger has a concurrency limit. */
export function joinedRuns(
  definition: SensorDefinition,
  fires: ReadonlyArray<StateFire<RememberedEvent>>,
  isLimited: (trigger: string) => boolean,
): JoinedRun[] {
  const groups: Array<{ readonly priority: number; readonly fires: RememberedFire[]; bytes: number }> = [];
  for (const fire of fires) {
    const remembered = { ...toFire(fire), ...(isLimited(fire.trigger) && { ticket: fire.id }) };
    const bytes = contentBytes(remembered);
    const priority = fire.priority ?? triggerPriority(definition.options, fire.trigger).priority;
    const group = groups.findLast((other) => other.priority === priority);
    if (group && group.fires.length < definition.options.runBatch && group.bytes + bytes <= MAX_BYTES_TOGETHER) {
      group.fires.push(remembered);
      group.bytes += bytes;
    } else groups.push({ priority, fires: [remembered], bytes });
  }
  return groups.map(({ priority, fires: together }) => planRun(definition, together, { priority }));
}

/** The run of parked events, for an operator to decide. */
export function parkedRun(definition: SensorDefinition, parked: ParkedEvents<RememberedEvent>): JoinedRun {
  const missing = parked.missing.length > 0 ? `; missing: ${parked.missing.join(', ')}` : '';
  return planRun(definition, [toFire(parked)], { parkedBecause: `${PARK_REASONS[parked.reason]}${missing}` });
}

const PARK_REASONS: Readonly<Record<ParkReason, string>> = {
  'window-passed': 'the other events did not arrive within the correlation window',
  'too-many-held': 'too many events of this dependency were waiting',
  'key-missing': 'the event has no value at the correlation path',
  'too-many-waiting': 'too many fires were waiting for their turn',
  'trigger-removed': 'its trigger was removed from the sensor before it fired',
};

function planRun(
  definition: SensorDefinition,
  fires: readonly RememberedFire[],
  extra: Pick<SensorRunInput, 'parkedBecause' | 'priority'>,
): JoinedRun {
  // The same object for the same event: a run carries each event once.
  const events = new Map<RememberedEvent, CloudEvent>();
  const names = new Map<CloudEvent, string>();
  const load = (remembered: RememberedEvent): CloudEvent => {
    const known = events.get(remembered);
    if (known !== undefined) return known;
    const event = eventOf(remembered);
    events.set(remembered, event);
    if ('stored' in remembered.content) names.set(event, remembered.content.stored);
    return event;
  };
  const loaded = fires.map((fire) => loadFire(definition, fire, load));
  const key = extra.parkedBecause === undefined ? joinedKey(loaded) : `${joinedKey(loaded)}-parked`;
  const run = createRunStart(definition, loaded, { key, ...extra });
  const contents = [...events.keys()].reduce((total, { bytes }) => total + bytes, 0);
  if (contents + jsonBytes({ ...run.input, events: [] }) > MAX_RUN_BYTES) return tooLargeRun(run, contents);
  const stored = Object.fromEntries(
    run.input.events.flatMap((event, index) => {
      const name = names.get(event);
      return name === undefined ? [] : [[index, name]];
    }),
  );
  return { ...run, ...(names.size > 0 && { stored }) };
}

/** Temporal would reject it and terminate the sensor that starts it. */
export function tooLargeRun(run: RunStart, bytes: number): RunStart {
  const megabytes = (bytes / 1_000_000).toFixed(1);
  return withoutContents(run, `its events are ${megabytes} MB together, more than a run can carry`);
}

/** The run as a parked one: it cannot carry its events, so it can only be discarded. */
export function withoutContents({ input, ...run }: RunStart, reason: string): RunStart {
  const { parkedBecause } = input;
  return {
    ...run,
    input: {
      ...input,
      events: input.events.map(withoutContent),
      contentMissing: 'too-large',
      parkedBecause: parkedBecause === undefined ? reason : `${parkedBecause}; ${reason}`,
    },
  };
}

function loadFire(
  definition: SensorDefinition,
  fire: RememberedFire,
  load: (event: RememberedEvent) => CloudEvent,
): LoadedFire {
  const keys = mapLists(fire.dependencies, ({ key }) => key);
  const rounds = Object.values(fire.dependencies).flatMap((list) => list.flatMap(({ round }) => round ?? []));
  const id = fireId(definition, fire.trigger, keys, [...new Set(rounds)].sort().join(','));
  return { ...fire, id, dependencies: mapLists(fire.dependencies, load) };
}

function toFire({
  trigger,
  dependencies,
  all,
}: StateFire<RememberedEvent> | ParkedEvents<RememberedEvent>): RememberedFire {
  if (all !== undefined) return { trigger, dependencies: all, collected: true };
  return {
    trigger,
    dependencies: Object.fromEntries(Object.entries(dependencies).map(([name, event]) => [name, [event]])),
  };
}

function contentBytes({ dependencies }: RememberedFire): number {
  return [...new Set(Object.values(dependencies).flat())].reduce((total, { bytes }) => total + bytes, 0);
}

function joinedKey(fires: readonly LoadedFire[]): string {
  const keys = fires.flatMap((fire) => Object.values(keysOf(fire)).flat());
  const [only] = fires;
  return fires.length === 1 && only !== undefined
    ? `${only.trigger}-${only.id}`
    : `joined-${runKey(keys, fires)}-${shortHash(keys.join(' '), 4)}`;
}
