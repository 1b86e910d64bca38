/** One fire as it is taken from a run, before its parameters are applied. */
import { eventKey, type CloudEvent } from '../../src/event/cloud-event';
import { dataAttributes, jsonOf } from '../../src/event/event-data';
import { joinList } from '../../src/event/json-text';
import { shortHash } from '../../src/event/short-id';
import type { FireTriggersRequest } from '../../src/contract/activities';
import { eventsOf, loadFire } from '../../src/contract/packed-fires';
import type { RunTrigger } from '../../src/contract/run-trigger';

export interface UnresolvedFire extends Pick<FireTriggersRequest, 'sensor' | 'runId' | 'overrides'> {
  readonly fireId: string;
  readonly trigger: RunTrigger;
  readonly events: Readonly<Record<string, CloudEvent>>;
  /** Keys of all events, if `events` holds one that stands for several. */
  readonly eventKeys?: readonly string[];
}

/** For a collecting trigger, each dependency gets one event, whose data is the list. */
export function takeFire(request: FireTriggersRequest, index: number): UnresolvedFire {
  const { sensor, runId, overrides } = request;
  const fire = request.fires[index];
  const trigger = fire === undefined ? undefined : request.triggers[fire.trigger];
  if (fire === undefined || trigger === undefined) throw new Error('the run has no such fire');
  const events = Object.entries(loadFire(fire, request.events).dependencies).flatMap(([name, list]) => {
    const last = list.at(-1);
    return last === undefined ? [] : [[name, fire.collected ? collectEvents(last, list) : last] as const];
  });
  return {
    ...{ sensor, runId, fireId: fire.id, trigger },
    events: Object.fromEntries(events),
    ...(fire.collected && { eventKeys: eventsOf(fire, request.events).map(eventKey) }),
    ...(overrides && { overrides }),
  };
}

function collectEvents(last: CloudEvent, list: readonly CloudEvent[]): CloudEvent {
  const { data: _data, data_base64: _bytes, ...rest } = last;
  return {
    ...rest,
    id: `${list.length}-events-${shortHash(list.map(eventKey).join(' '), 12)}`,
    datacontenttype: 'application/json',
    ...dataAttributes(joinList(list.map((event) => jsonOf(event) ?? event.data_base64 ?? null))),
  };
}
