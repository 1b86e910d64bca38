/** Size of a run's input, counted while fires are added to it. Pure. */
import type { CloudEvent } from '../../src/event/cloud-event';
import { jsonBytes } from '../../src/text/json-bytes';
import type { SensorDefinition } from '../../src/contract/definitions';
import { runOptionsOf } from '../../src/contract/run-start';
import type { DirectFire } from './direct-fire';

/** Bytes of a fire besides its event and trigger: its id, its dependency, positions, brackets, a first attempt. */
const FIRE_BYTES = 900;
/** Names of fields, and additions by retriggers and replays. */
const FRAME_BYTES = 2_000;

export interface InputSize {
  readonly bytes: number;
  /** Size of the search attribute that lists the triggers. */
  readonly triggerNameBytes: number;
}

/** Measures each event and each trigger of a sensor once. */
export class SizeBook {
  private readonly events = new WeakMap<CloudEvent, number>();
  private readonly triggers = new Map<string, number>();
  /** Size of the part that every run of the sensor carries. */
  readonly frameBytes: number;

  constructor(private readonly definition: SensorDefinition) {
    this.frameBytes = FRAME_BYTES + jsonBytes(definition.bus) + jsonBytes(runOptionsOf(definition.options));
  }

  ofEvent(event: CloudEvent): number {
    const known = this.events.get(event);
    if (known !== undefined) return known;
    const bytes = jsonBytes(event);
    this.events.set(event, bytes);
    return bytes;
  }

  ofTrigger(name: string): number {
    const known = this.triggers.get(name);
    if (known !== undefined) return known;
    const bytes = jsonBytes(this.definition.spec.triggers.find(({ template }) => template.name === name) ?? null);
    this.triggers.set(name, bytes);
    return bytes;
  }
}

export class RunSize {
  /** A run carries one object once: the event that several triggers share, but each transformed copy of it. */
  private readonly events = new Set<CloudEvent>();
  private readonly triggers = new Set<string>();
  private size: InputSize;

  constructor(private readonly book: SizeBook) {
    this.size = { bytes: book.frameBytes, triggerNameBytes: 2 };
  }

  /** Returns the size with these fires added. */
  with(fires: readonly DirectFire[]): InputSize {
    let { bytes, triggerNameBytes } = this.size;
    for (const event of new Set(fires.map((fire) => fire.event))) {
      if (!this.events.has(event)) bytes += this.book.ofEvent(event);
    }
    for (const trigger of new Set(fires.map((fire) => fire.trigger))) {
      if (this.triggers.has(trigger)) continue;
      const nameBytes = jsonBytes(trigger) + 1;
      bytes += this.book.ofTrigger(trigger) + nameBytes;
      triggerNameBytes += nameBytes;
    }
    for (const { id, trigger, dependency } of fires)
      bytes += FIRE_BYTES + id.length + trigger.length + dependency.length;
    return { bytes, triggerNameBytes };
  }

  add(fires: readonly DirectFire[]): void {
    this.size = this.with(fires);
    for (const { event, trigger } of fires) {
      this.events.add(event);
      this.triggers.add(trigger);
    }
  }
}
