/**
 * What a sensor holds may be more than Temporal hands on: it takes 2 MB as the input of a workflow, also of one that
 * continues as new. So before it does, the sensor moves the content of held events to its bus and carries references;
 * a run of such events gets their content when it is started (activities/starting/held-runs.ts). Pure.
 */
import { eventKey, type CloudEvent } from '../../event/cloud-event';
import type { NamedContent } from '../../contract/activities';
import type { StoredContents } from '../../contract/run-start';
import { cutByBytes } from '../../text/cut-by-bytes';
import { jsonBytes } from '../../text/json-bytes';
import type { DependencyStateSnapshot } from './dependency-state';
import type { EventReference } from './dependency-state-types';
import { mapSnapshotEvents } from './snapshot-events';

/** What stays known of an event whose content is on the bus. */
export type EventHead = Pick<CloudEvent, 'id' | 'source' | 'subject' | 'type' | 'time'>;

type Content =
  | { readonly event: CloudEvent }
  /** `stored`: its name on the bus, among the contents of this sensor. */
  | { readonly stored: string; readonly head: EventHead };

/** An event as the sensor holds it: the same object in every place that holds it. */
export interface RememberedEvent extends EventReference {
  readonly bytes: number;
  /** The replay that brought it: what it fires is told from earlier fires. */
  readonly round?: string;
  content: Content;
}

type CarriedEvent =
  | { readonly event: CloudEvent; readonly round?: string }
  | { readonly stored: string; readonly head: EventHead; readonly bytes: number; readonly round?: string };

/** Plain JSON: each event once, and its place in the list wherever it is held. */
export interface CarriedEvents {
  readonly state: DependencyStateSnapshot<number>;
  readonly events?: readonly CarriedEvent[];
  /** How many names were given to contents; no name is given twice. */
  readonly names?: number;
  /** Contents on the bus that nothing holds any more. */
  readonly unneeded?: readonly string[];
}

/** A workflow starts with at most so much: Temporal warns at 512 KB. */
const CARRY_AT_MOST = 450_000;
/** What is moved is moved at once, not bit by bit each time. */
const CARRY_AFTER_MOVING = 250_000;
/** Beyond this even references do not fit: Temporal takes 2 MB (2,097,152 bytes). */
const CARRY_LIMIT = 1_800_000;
/** A reference takes about so much itself. */
const WORTH_MOVING = 500;
const PORTION_BYTES = 400_000;

export function remember(event: CloudEvent, round?: string): RememberedEvent {
  return fromCarried({ event, ...(round !== undefined && { round }) });
}

/** The event, or without its content what is known of it. */
export function eventOf({ content }: RememberedEvent): CloudEvent {
  if ('event' in content) return content.event;
  return { specversion: '1.0', datacontenttype: 'application/json', ...content.head };
}

export function withoutContent({ id, source, subject, type, time }: CloudEvent): CloudEvent {
  return { specversion: '1.0', datacontenttype: 'application/json', id, source, subject, type, time };
}

/** Puts the contents of one sensor on the bus, and knows which of those there are still held. */
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

  /** Takes over what was carried. */
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
   * Which contents to move so that a sensor that would carry `carriedBytes` carries little enough, in portions that an
   * activity takes; the largest first. `moved` is to be told when a portion is on the bus.
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
    // Also those that meanwhile nothing holds: they are to be forgotten.
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

/** How many of `held` events must go for a sensor that would carry so much, references included. */
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
