/** Sensors, their runs and a group that exchange messages by hand: each message can be late, repeated or lost. */
import { DependencyState } from '../../../src/sandbox/sensor/dependency-state';
import type { EventReference, StateChange } from '../../../src/sandbox/sensor/dependency-state-types';
import { GroupState, type SensorNews } from '../../../src/sandbox/concurrency-group/group-state';
import type { SensorShare } from '../../../src/contract/group-messages';

const NOW = Date.parse('2026-07-01T12:00:00Z');

interface SimulatedSensor {
  readonly epoch: string;
  limit: number;
  state: DependencyState<EventReference>;
  readonly outgoing: SensorShare[];
  readonly incoming: SensorNews[];
}

interface SimulatedRun {
  readonly fireId: string;
  readonly sensor: string;
  readonly epoch: string;
  isOpen: boolean;
}

export class GroupSimulation {
  group = new GroupState();
  readonly sensors = new Map<string, SimulatedSensor>();
  readonly runs = new Map<string, SimulatedRun>();
  private readonly lastShares = new Map<string, SensorShare>();
  private readonly late: SensorShare[] = [];
  private count = 0;

  apply(name: string, limit: number): void {
    const known = this.sensors.get(name);
    const spec = specOf(limit);
    if (known) {
      known.limit = limit;
      this.carryOut(name, known.state.reconcile(spec, NOW, { parkRemoved: true }));
      return;
    }
    const epoch = `2026 ${String((this.count += 1)).padStart(6, '0')}`;
    const sensor = { epoch, limit, state: new DependencyState<EventReference>(spec), outgoing: [], incoming: [] };
    this.sensors.set(name, sensor);
    this.collect(name);
  }

  /** As `sluice delete` does: the last share is delivered. */
  delete(name: string): void {
    const sensor = this.sensors.get(name);
    if (!sensor) return;
    for (const share of sensor.state.lastShares())
      sensor.outgoing.push({ ...share, sensor: name, epoch: sensor.epoch });
    while (sensor.outgoing.length > 0) this.deliverShare(name);
    this.sensors.delete(name);
  }

  /** As an operator does in the Temporal UI. Its activities may still deliver what they have. */
  terminate(name: string): void {
    this.late.push(...(this.sensors.get(name)?.outgoing ?? []));
    this.sensors.delete(name);
  }

  event(name: string): void {
    const sensor = this.sensors.get(name);
    if (!sensor) return;
    const key = `e${(this.count += 1)}`;
    const event = { key, id: key, time: new Date(NOW).toISOString() };
    this.carryOut(name, sensor.state.observe({ dependency: 'a', event, receivedAt: NOW }));
  }

  deliverShare(name: string): void {
    const share = this.sensors.get(name)?.outgoing.shift();
    if (!share) return;
    this.lastShares.set(name, share);
    this.group.report(share, NOW);
    this.spread();
  }

  /** A retried activity delivers what was delivered before; that of a terminated sensor, what was not. */
  deliverAgain(name: string): void {
    const share = this.late.shift() ?? this.lastShares.get(name);
    if (share) this.group.report(share, NOW);
    this.spread();
  }

  deliverNews(name: string): void {
    const sensor = this.sensors.get(name);
    const news = sensor?.incoming.shift();
    if (!sensor || !news || news.epoch !== sensor.epoch) return;
    this.carryOut(name, sensor.state.placesChanged('gpu', news.given, news.lost));
  }

  /** The run reports to its sensor, if that exists. */
  finish(run: string): void {
    const found = this.runs.get(run);
    if (!found?.isOpen) return;
    found.isOpen = false;
    const sensor = this.sensors.get(found.sensor);
    if (sensor) this.carryOut(found.sensor, sensor.state.finished(found.fireId));
  }

  /** Nobody hears of it. */
  kill(run: string): void {
    const found = this.runs.get(run);
    if (found) found.isOpen = false;
  }

  restartGroup(): void {
    this.group = new GroupState(JSON.parse(JSON.stringify(this.group.carry())) as ReturnType<GroupState['carry']>);
  }

  /** Continue-as-new: once its shares are reported. */
  restartSensor(name: string): void {
    const sensor = this.sensors.get(name);
    if (!sensor) return;
    while (sensor.outgoing.length > 0) this.deliverShare(name);
    const snapshot = JSON.parse(JSON.stringify(sensor.state.snapshot())) as ReturnType<typeof sensor.state.snapshot>;
    sensor.state = DependencyState.restore(snapshot);
  }

  /** What sluiceFindLostPlaces finds out. */
  look(): void {
    const sensors = this.group.sensors().filter((name) => !this.sensors.has(name));
    const places = this.group.placesInUse().flatMap(({ id, run, sensor, isLeftBehind }) => {
      if (run === undefined) return isLeftBehind || sensors.includes(sensor) ? [id] : [];
      return this.runs.get(run)?.isOpen ? [] : [id];
    });
    this.group.lose({ places, sensors }, NOW);
    this.spread();
  }

  openRuns(): string[] {
    return [...this.runs].flatMap(([id, { isOpen }]) => (isOpen ? [id] : []));
  }

  waiting(): number {
    return [...this.sensors.values()].reduce((total, { state }) => total + state.waitingEvents(), 0);
  }

  /** Delivers everything until nothing is under way. */
  settle(): void {
    for (let round = 0; round < 1_000; round += 1) {
      const names = [...this.sensors.keys()];
      const isQuiet = names.every((name) => {
        const { outgoing = [], incoming = [] } = this.sensors.get(name) ?? {};
        return outgoing.length + incoming.length === 0;
      });
      if (isQuiet) return;
      for (const name of names) {
        this.deliverShare(name);
        this.deliverNews(name);
      }
    }
    throw new Error('messages go back and forth without end');
  }

  private carryOut(name: string, change: StateChange<EventReference>): void {
    const sensor = this.sensors.get(name);
    if (!sensor) return;
    for (const { id } of change.fires) {
      const run = `run/${sensor.epoch}/${id}`;
      this.runs.set(run, { fireId: id, sensor: name, epoch: sensor.epoch, isOpen: true });
      sensor.state.startedIn(id, run);
    }
    this.collect(name);
  }

  private collect(name: string): void {
    const sensor = this.sensors.get(name);
    if (!sensor?.state.hasShares()) return;
    for (const share of sensor.state.takeShares()) {
      sensor.outgoing.push({ ...share, sensor: name, epoch: sensor.epoch });
    }
  }

  /** A sensor that does not exist cannot be told. */
  private spread(): void {
    while (this.group.hasNews()) {
      for (const news of this.group.takeNews()) {
        const sensor = this.sensors.get(news.sensor);
        if (sensor) sensor.incoming.push(news);
        else this.group.sensorGone(news.sensor, NOW, news.epoch);
      }
    }
  }
}

function specOf(limit: number) {
  return { dependencies: { a: '' }, triggers: [{ name: 't', conditions: 'a', group: { name: 'gpu', limit } }] };
}
