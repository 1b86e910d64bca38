/**
 * A sensor may hold more than Temporal can carry: the input of a workflow is limited to 2 MB, also on continue-as-new.
 * So before it continues as new, the sensor moves the content of held events to its bus and carries references; a run
 * of such events gets their content when it is started (activities/starting/held-runs.ts). Pure.
 */
import { eventKey, type CloudEvent } from '../../event/cloud-event';
import type { NamedContent } from '../../contract/activities';
import type { StoredContents } from '../../contract/run-start';
import { cutByBytes } from '../../text/cut-by-bytes';
import { jsonBytes } from '../../text/json-bytes';
import type { DependencyStateSnapshot } from './dependency-state';
import type { EventReference } from './dependency-state-types';
import { mapSnapshotEvents } from './snapshot-events';

/** The attributes that the sensor keeps of an event whose content is on the bus. */
export type EventHead = Pick<CloudEvent, 'id' | 'source' | 'subject' | 'type' | 'time'>;

type Content =
  | { readonly event: CloudEvent }
  /** `stored`: its name on the bus, among the contents of this sensor. */
  | { readonly stored: string; readonly head: EventHead };

/** An event as the sensor holds it: the same object in every place that holds it. */
export interface RememberedEvent extends EventReference {
  readonly bytes: number;
  /** The replay that published it; distinguishes its fires from earlier ones. */
  readonly round?: string;
  content: Content;
}

type CarriedEvent =
  | { readonly event: CloudEvent; readonly round?: string }
  | { readonly stored: string; readonly head: EventHead; readonly bytes: number; readonly round?: string };

/** Plain JSON: each event once; the places that hold it carry its index in the list. */
export interface CarriedEvents {
  readonly state: DependencyStateSnapshot<number>;
  readonly events?: readonly CarriedEvent[];
  /** How many names were assigned to contents; names are never reused. */
  readonly names?: number;
  /** Contents on the bus that no event refers to any more. */
  readonly unneeded?: readonly string[];
}

/** Upper limit for the input of a workflow, in bytes: Temporal warns at 512 KB. */
const CARRY_AT_MOST = 450_000;
/** Target after moving, in bytes: contents are moved in one go, not bit by bit each time. */
const CARRY_AFTER_MOVING = 250_000;
/** Beyond this even references do not fit: Temporal's limit is 2 MB (2,097,152 bytes). */
const CARRY_LIMIT = 1_800_000;
/** A reference itself takes about this many bytes. */
const WORTH_MOVING = 500;
const PORTION_BYTES = 400_000;

export function remember(event: CloudEvent, round?: string): RememberedEvent {
  return fromCarried({ event, ...(round !== undefined && { round }) });
}

/** The event, or its known attributes if its content is on the bus. */
export function eventOf({ content }: RememberedEvent): CloudEvent {
  if ('event' in content) return content.event;
  return { specversion: '1.0', datacontenttype: 'application/json', ...content.head };
}

export function withoutContent({ id, source, subject, type, time }: CloudEvent): CloudEvent {
  return { specversion: '1.0', datacontenttype: 'application/json', id, source, subject, type, time };
}

/** Puts the contents of one sensor on the bus, and tracks which of them are still held. */
export class HeldContents {
  private names: number;
  private readonly onBus: Set<string>;
  private constructor(names: number, onBus: readonly string[]) {
    this.names = names;
    this.onBus = new Set(onBus);
  }

  static none(): HeldContents {
    return new HeldContents(0, []);
  }

  /** Restores the carried state. */
  static restore(carried: CarriedEvents): {
    readonly contents: HeldContents;
    readonly snapshot: DependencyStateSnapshot<RememberedEvent>;
  } {
    const events = (carried.events ?? []).map(fromCarried);
    const snapshot = mapSnapshotEvents(carried.state, (place): RememberedEvent => {
      const event = events[place];
      if (event === undefined) throw new Error(`the sensor carried no event ${place}`);
      return event;
    });
    const onBus = [...events.flatMap(({ content }) => storedName(content)), ...(carried.unneeded ?? [])];
    return { contents: new HeldContents(carried.names ?? 0, onBus), snapshot };
  }

  carry(snapshot: DependencyStateSnapshot<RememberedEvent>): CarriedEvents {
    const places = new Map<RememberedEvent, number>();
    const state = mapSnapshotEvents(snapshot, (event) => {
      const known = places.get(event);
      if (known !== undefined) return known;
      places.set(event, places.size);
      return places.size - 1;
    });
    const unneeded = this.unneeded([...places.keys()]);
    return {
      state,
      events: [...places.keys()].map(toCarried),
      ...(this.names > 0 && { names: this.names }),
      ...(unneeded.length > 0 && { unneeded }),
    };
  }

  get count(): number {
    return this.onBus.size;
  }

  /**
   * Returns which contents to move so that a sensor that would carry `carriedBytes` stays within the limit, in portions
   * that one activity can take; the largest first. Call `moved` when a portion is on the bus.
   */
  choose(held: readonly RememberedEvent[], carriedBytes: number): NamedContent[][] {
    if (carriedBytes <= CARRY_AT_MOST) return [];
    let excess = carriedBytes - CARRY_AFTER_MOVING;
    const chosen: NamedContent[] = [];
    for (const { content, bytes } of [...held].sort((left, right) => right.bytes - left.bytes)) {
      if (excess <= 0 || bytes < WORTH_MOVING) break;
      if (!('event' in content)) continue;
      excess -= bytes;
      this.names += 1;
      chosen.push({ name: this.names.toString(36), event: content.event });
    }
    return cutByBytes(chosen, PORTION_BYTES);
  }

  moved(held: readonly RememberedEvent[], portion: readonly NamedContent[]): void {
    const names = new Map(portion.map(({ name, event }) => [event, name]));
    for (const remembered of held) {
      const { content } = remembered;
      const name = 'event' in content ? names.get(content.event) : undefined;
      if (name !== undefined) remembered.content = { stored: name, head: headOf(eventOf(remembered)) };
    }
    // Includes contents that are no longer held by now, so that they are deleted later.
    for (const { name } of portion) this.onBus.add(name);
  }

  /** Contents on the bus that neither the state nor one of these runs needs any more. */
  unneeded(held: readonly RememberedEvent[], runs: Iterable<{ readonly stored?: StoredContents }> = []): string[] {
    const needed = new Set(held.flatMap(({ content }) => storedName(content)));
    for (const { stored = {} } of runs) for (const name of Object.values(stored)) needed.add(name);
    return [...this.onBus].filter((name) => !needed.has(name));
  }

  forgotten(names: readonly string[]): void {
    for (const name of names) this.onBus.delete(name);
  }
}

/** Every event of the state once. */
export function heldEvents(snapshot: DependencyStateSnapshot<RememberedEvent>): RememberedEvent[] {
  const held = new Set<RememberedEvent>();
  mapSnapshotEvents(snapshot, (event) => held.add(event));
  return [...held];
}

/** How many of `held` events must be parked for a sensor that would carry this much, references included. */
export function tooManyToCarry(held: number, carriedBytes: number): number {
  if (carriedBytes <= CARRY_LIMIT) return 0;
  return Math.ceil(held * (1 - CARRY_LIMIT / carriedBytes)) + 1;
}

function headOf({ id, source, subject, type, time }: CloudEvent): EventHead {
  return { id, source, subject, type, time };
}

function storedName(content: Content): string[] {
  return 'stored' in content ? [content.stored] : [];
}

function fromCarried(carried: CarriedEvent): RememberedEvent {
  const { id, source, time } = 'event' in carried ? carried.event : carried.head;
  return {
    ...{ key: eventKey({ id, source }), id, time },
    bytes: 'event' in carried ? jsonBytes(carried.event) : carried.bytes,
    ...(carried.round !== undefined && { round: carried.round }),
    content: 'event' in carried ? { event: carried.event } : { stored: carried.stored, head: carried.head },
  };
}

function toCarried({ content, bytes, round }: RememberedEvent): CarriedEvent {
  const replayed = round === undefined ? {} : { round };
  return 'event' in content
    ? { event: content.event, ...replayed }
    : { stored: content.stored, head: content.head, bytes, ...replayed };
}
