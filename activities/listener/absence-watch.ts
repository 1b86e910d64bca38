/**
 * Annotation `sluice.io/expect-every`: notices that no event has matched a dependency for too long, and publishes that as
 * an event, once for each gap. What was seen last is kept on the bus, so a gap is counted over workers and pauses.
 */
import type { Bus } from '../../src/bus/bus';
import type { SensorDefinition } from '../../src/contract/definitions';
import { ABSENCE_SOURCE, absenceEvent, absenceKey, type LastSeen } from '../../src/event/absence-event';
import type { CloudEvent } from '../../src/event/cloud-event';

const BUCKET = 'positions';
/** Another listener of the sensor may have seen an event, or may have died. */
const READ_AGAIN_MS = 60_000;

type State = Readonly<Record<string, LastSeen>>;
type AbsenceBus = Pick<Bus, 'publishEvents' | 'updateShared'>;

export class AbsenceWatch {
  private readonly key: string;
  /** Not stored yet. */
  private seen = new Map<string, LastSeen>();
  private stored: State | undefined;
  private readAt = -Infinity;

  private constructor(
    private readonly sensor: SensorDefinition,
    /** Dependency → how often its events are expected, in milliseconds. */
    private readonly expected: ReadonlyMap<string, number>,
    private readonly bus: AbsenceBus,
  ) {
    this.key = absenceKey(sensor.namespace, sensor.name);
  }

  /** Returns undefined for a sensor that expects nothing. */
  static of(sensor: SensorDefinition, bus: AbsenceBus): AbsenceWatch | undefined {
    const { expectEvery } = sensor.options;
    if (expectEvery === undefined) return undefined;
    const expected = new Map<string, number>();
    for (const { name, eventSourceName } of sensor.spec.dependencies) {
      const everyMs = expectEvery[name] ?? (eventSourceName === ABSENCE_SOURCE ? undefined : expectEvery['*']);
      if (everyMs !== undefined) expected.set(name, everyMs);
    }
    return new AbsenceWatch(sensor, expected, bus);
  }

  matched(dependency: string, { id, source, subject, time }: CloudEvent, now: number): void {
    if (this.expected.has(dependency)) this.seen.set(dependency, { at: now, event: { id, source, subject, time } });
  }

  /**
   * Stores what was seen, and publishes absences if the sensor has handled all that waits on the bus. Throws if the bus
   * cannot be reached; call it again later.
   */
  async look(now: number, isCaughtUp: boolean): Promise<void> {
    if (this.seen.size === 0 && now - this.readAt < READ_AGAIN_MS && this.overdue(now).length === 0) return;
    const state = await this.store(now);
    if (!isCaughtUp) return;
    const overdue = this.overdue(now);
    if (overdue.length === 0) return;
    const { namespace, name } = this.sensor;
    const events = overdue.map(([dependency, everyMs]) =>
      absenceEvent({ namespace, sensor: name, dependency, everyMs, last: state[dependency] ?? { at: now } }),
    );
    for (const outcome of await this.bus.publishEvents(events)) if (outcome.kind === 'failed') throw outcome.error;
    await this.update((before) => {
      const told = overdue.flatMap(([dependency]) => {
        const last = before[dependency];
        return last !== undefined && last.at === state[dependency]?.at ? [[dependency, { ...last, isTold: true }]] : [];
      });
      return { ...before, ...(Object.fromEntries(told) as Record<string, LastSeen>) };
    });
  }

  private overdue(now: number): ReadonlyArray<readonly [string, number]> {
    return [...this.expected].filter(([dependency, everyMs]) => {
      const last = this.stored?.[dependency];
      return last !== undefined && last.isTold !== true && now - last.at >= everyMs;
    });
  }

  private async store(now: number): Promise<State> {
    const news = this.seen;
    this.seen = new Map();
    try {
      const state = await this.update((before) => {
        const first = [...this.expected.keys()].filter((dependency) => before[dependency] === undefined);
        const later = [...news].filter(([dependency, { at }]) => at > (before[dependency]?.at ?? 0));
        if (first.length + later.length === 0) return before;
        return {
          ...before,
          ...Object.fromEntries(first.map((dependency) => [dependency, { at: now }])),
          ...Object.fromEntries(later),
        };
      });
      this.readAt = now;
      return state;
    } catch (error) {
      this.seen = new Map([...news, ...this.seen]);
      throw error;
    }
  }

  private async update(change: (before: State) => State): Promise<State> {
    const none: State = {};
    this.stored = await this.bus.updateShared<State>(BUCKET, this.key, (before) => change(before ?? none));
    return this.stored;
  }
}
