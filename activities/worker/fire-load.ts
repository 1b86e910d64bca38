/**
 * Counts the fires that this worker has started and that have not ended. Starting runs is quicker than carrying them
 * out; without this limit the listener would cut a storm into many small runs that wait for each other and, if the
 * target responds slowly, pile up requests until all of them time out. Meanwhile events stay on the bus, where the next
 * pull gets them all together.
 *
 * All namespaces share Temporal, its task queues and the processor. A namespace that is alone may fill them. One that
 * has more waiting and on the way than the active others have on average yields: its limit keeps the queues short for
 * them, see yielding-window.ts. So do fires of a namespace while it has more urgent ones, which never wait for them. A fire that waits for the response of its target only holds an activity slot, so such
 * fires have limits of their own. See docs/decisions/150-tenants-take-turns.md.
 */
import type { ObjectName } from '../../src/contract/definitions';
import { ActivePriorities } from '../../src/concurrency/active-priorities';
import { DEFAULT_PRIORITY } from '../../src/contract/priority';
import { ActiveTenants } from '../../src/concurrency/active-tenants';
import { unlessAborted } from '../../src/concurrency/open-while-wanted';
import { YieldingWindow } from './yielding-window';

const MAX_FIRES = 200;
/** Beyond the limit, as fires of a namespace do not wait for less urgent ones. */
const MAX_FIRES_OF_ALL_PRIORITIES = 2 * MAX_FIRES;
/** A target that does not respond holds up its own sensor, and at most so many slots of a worker with a tuner. */
const CALL_LIMITS: CallLimits = { ofSensor: 100, ofNamespace: 300 };
/** A run that another worker took over never reports here. */
const FORGET_AFTER_MS = 3_000;

interface CallLimits {
  readonly ofSensor: number;
  readonly ofNamespace: number;
}

interface CountedFire {
  /** What it counts for. */
  readonly keys: readonly string[];
  readonly priority: number;
  /** Present until a worker is known to carry it out. */
  readonly startedAt?: number;
  /** When to forget it; undefined while it is in flight here, however long that takes. */
  readonly timer?: NodeJS.Timeout;
}

const onTheWay = ({ namespace }: Pick<ObjectName, 'namespace'>): string => `on the way ${namespace}`;
const onTheWayWith = (namespace: string, priority: number): string => `on the way ${namespace} ${priority}`;
const pauseOf = ({ namespace }: ObjectName, priority: number): string => `${namespace} ${priority}`;
const callsOfNamespace = ({ namespace }: ObjectName): string => `calls ${namespace}`;
const callsOfSensor = ({ namespace, name }: ObjectName): string => `calls ${namespace}/${name}`;

export class FireLoad {
  private readonly fires = new Map<string, CountedFire>();
  private readonly counts = new Map<string, number>();
  /** Sensor → its events on the bus that it has not pulled. */
  private readonly backlogs = new Map<string, { readonly namespace: string; readonly events: number }>();
  private readonly active = new ActiveTenants();
  private readonly priorities = new ActivePriorities();
  private readonly window = new YieldingWindow();
  /** Namespaces and priorities that yielded a moment ago, and may start nothing yet. */
  private readonly pausing = new Map<string, NodeJS.Timeout>();
  private wakeUps: Array<{ readonly priority: number; readonly wakeUp: () => void }> = [];

  private callLimits = CALL_LIMITS;

  constructor(private readonly forgetAfterMs = FORGET_AFTER_MS) {}

  /** Call before the worker starts. `slots`: those of the worker that readers and listeners leave free. */
  open(slots: number | undefined): void {
    this.callLimits = slots === undefined ? CALL_LIMITS : callLimitsWithin(slots);
  }

  /** Counts fires whose runs are being started; which worker carries them out is not yet known. */
  started(sensor: ObjectName, fireIds: readonly string[], priority = DEFAULT_PRIORITY): void {
    for (const id of fireIds) {
      const timer = setTimeout(() => this.finished([id]), this.forgetAfterMs).unref();
      this.put(id, sensor, { ...this.waysOf(sensor, priority), startedAt: performance.now(), timer });
    }
  }

  /** This worker carries them out, each with one quick request, and calls `finished` afterwards. */
  begun(sensor: ObjectName, fireIds: readonly string[]): void {
    for (const id of fireIds) this.put(id, sensor, this.waysOf(sensor, this.priorityOf(id)));
  }

  /** This worker calls targets that may take long to respond, and calls `finished` afterwards. */
  calling(sensor: ObjectName, fireIds: readonly string[]): void {
    for (const id of fireIds) {
      const startedAt = this.fires.get(id)?.startedAt;
      const priority = this.priorityOf(id);
      if (startedAt !== undefined) this.observe(performance.now() - startedAt, sensor, priority);
      this.put(id, sensor, { keys: [callsOfNamespace(sensor), callsOfSensor(sensor)], priority });
    }
    this.wake();
  }

  finished(fireIds: readonly string[]): void {
    for (const id of fireIds) this.remove(id);
    this.wake();
  }

  /** Notes how many events wait on the bus for the sensor. */
  waiting(sensor: ObjectName, events: number): void {
    const { namespace, name } = sensor;
    if (events > 0) this.backlogs.set(`${namespace}/${name}`, { namespace, events });
    else this.backlogs.delete(`${namespace}/${name}`);
  }

  /** Resolves to how many more fires the sensor may start, at least one, or to 0 when the signal aborts. */
  async capacity(sensor: ObjectName, signal: AbortSignal, priority = DEFAULT_PRIORITY): Promise<number> {
    while (!signal.aborted) {
      const capacity = this.capacityOf(sensor, priority);
      if (capacity > 0) return capacity;
      const waking = new Promise<void>((wakeUp) => this.wakeUps.push({ priority, wakeUp }));
      await unlessAborted(waking, signal).catch(() => undefined); // The loop sees that it aborted.
    }
    return 0;
  }

  /** Waits for capacity and counts the fires as started in the same step. Does not wait after an abort. */
  async start(
    sensor: ObjectName,
    fireIds: readonly string[],
    signal: AbortSignal,
    priority = DEFAULT_PRIORITY,
  ): Promise<void> {
    // While it waits, too, what is less urgent yields.
    this.priorities.note(sensor.namespace, priority);
    while (!signal.aborted && this.capacityOf(sensor, priority) <= 0) await this.capacity(sensor, signal, priority);
    this.started(sensor, fireIds, priority);
  }

  private capacityOf(sensor: ObjectName, priority: number): number {
    if (this.countOf(callsOfSensor(sensor)) >= this.callLimits.ofSensor) return 0;
    if (this.countOf(callsOfNamespace(sensor)) >= this.callLimits.ofNamespace) return 0;
    const yields = this.yields(sensor, priority);
    if (yields && this.pausing.has(pauseOf(sensor, priority))) return 0;
    const most = yields ? this.window.fires : MAX_FIRES;
    const free = MAX_FIRES_OF_ALL_PRIORITIES - this.countOf(onTheWay(sensor));
    return Math.min(free, most - this.countOfUrgent(sensor, priority));
  }

  private observe(delayMs: number, sensor: ObjectName, priority: number): void {
    const yields = this.yields(sensor, priority);
    this.window.observe(delayMs, yields);
    const { pauseMs } = this.window;
    const key = pauseOf(sensor, priority);
    if (!yields || pauseMs === 0 || this.pausing.has(key)) return;
    const end = (): void => {
      this.pausing.delete(key);
      this.wake();
    };
    this.pausing.set(key, setTimeout(end, pauseMs).unref());
  }

  /** Of fires that are as urgent, or more. */
  private countOfUrgent({ namespace }: ObjectName, priority: number): number {
    let count = 0;
    for (let other = 1; other <= priority; other += 1) count += this.countOf(onTheWayWith(namespace, other));
    return count;
  }

  private yields({ namespace }: ObjectName, priority: number): boolean {
    if (this.priorities.isOutranked(namespace, priority)) return true;
    const others = this.active.othersThan(namespace);
    const loadOfOthers = others.reduce((sum, other) => sum + this.loadOf(other), 0);
    return others.length > 0 && this.loadOf(namespace) > loadOfOthers / others.length;
  }

  /** Beyond the limit more makes no difference: of two floods, the smaller must not pass for a trickle. */
  private loadOf(namespace: string): number {
    let load = this.countOf(onTheWay({ namespace }));
    for (const backlog of this.backlogs.values()) if (backlog.namespace === namespace) load += backlog.events;
    return Math.min(load, MAX_FIRES);
  }

  private wake(): void {
    const waking = this.wakeUps.splice(0).sort((one, other) => one.priority - other.priority);
    for (const { wakeUp } of waking) wakeUp();
  }

  private waysOf(sensor: ObjectName, priority: number): Pick<CountedFire, 'keys' | 'priority'> {
    return { keys: [onTheWay(sensor), onTheWayWith(sensor.namespace, priority)], priority };
  }

  /** Fires that a sensor or another worker has started are counted as usual ones. */
  private priorityOf(id: string): number {
    return this.fires.get(id)?.priority ?? DEFAULT_PRIORITY;
  }

  private put(id: string, { namespace }: ObjectName, fire: CountedFire): void {
    this.remove(id);
    this.active.note(namespace);
    this.fires.set(id, fire);
    for (const key of fire.keys) this.counts.set(key, this.countOf(key) + 1);
  }

  private remove(id: string): void {
    const fire = this.fires.get(id);
    if (fire === undefined) return;
    clearTimeout(fire.timer);
    this.fires.delete(id);
    for (const key of fire.keys) {
      if (this.countOf(key) > 1) this.counts.set(key, this.countOf(key) - 1);
      else this.counts.delete(key);
    }
  }

  private countOf(key: string): number {
    return this.counts.get(key) ?? 0;
  }
}

/** A large worker gives each an eighth and three eighths of its free slots, a small one up to a half and three quarters. */
function callLimitsWithin(slots: number): CallLimits {
  const { ofSensor, ofNamespace } = CALL_LIMITS;
  const between = (usual: number, least: number, most: number): number =>
    Math.max(1, Math.floor(Math.min(Math.max(usual, slots * least), slots * most)));
  return { ofSensor: between(ofSensor, 1 / 8, 1 / 2), ofNamespace: between(ofNamespace, 3 / 8, 3 / 4) };
}
