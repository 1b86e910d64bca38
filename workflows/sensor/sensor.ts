/**
 * One sensor, for as long as it is applied: holds the spec and the state of joined triggers, keeps its listeners and
 * its outcome watch alive, and starts the runs of joined triggers. Everything else happens in separate runs, so that
 * this workflow's history grows only with operators' actions and joined events.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  patched,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { SensorActivities } from '../../src/contract/activities';
import type { SensorDefinition } from '../../src/contract/definitions';
import { groupPlacesSignal, type GroupPlaces } from '../../src/contract/group-messages';
import {
  configureSensorUpdate,
  firesEndedSignal,
  listenerReportSignal,
  observeSignal,
  sensorCapacityQuery,
  sensorDefinitionQuery,
  sensorDependenciesQuery,
  sensorPlacesQuery,
  sensorStatusQuery,
  type ListenerReport,
  type ObservationBatch,
  type SensorStart,
  type SensorStatus,
} from '../../src/contract/sensor-messages';
import type { ApplyRequest } from '../../src/contract/lifecycle-messages';
import { SensorMemory, type CarriedSensor } from '../../src/sandbox/sensor/sensor-memory';
import { StoppedParts } from '../../src/sandbox/sensor/stopped-parts';
import { REPEATABLE } from '../lifecycle/activity-options';
import { OperatorControls } from '../lifecycle/operator-controls';
import { runBeside } from '../lifecycle/run-beside';
import {
  isGroupPlaces,
  isListenerReport,
  isObservationBatch,
  isTicketList,
  requireSensorDefinition,
} from '../lifecycle/signal-guards';
import { HeldContentMover } from './held-content-mover';
import { describeSensor } from './sensor-details';
import { listen, stopListening } from './sensor-listeners';
import { SensorOutbox } from './sensor-outbox';
import { ShareReports } from './share-reports';
import { SensorRetriggers } from './sensor-retriggers';

export interface SensorInput extends SensorStart {
  /** Carried over by continue-as-new. */
  readonly carried?: CarriedSensor;
}

const activities = proxyActivities<SensorActivities>({
  ...REPEATABLE,
  startToCloseTimeout: '5m',
  retry: { maximumInterval: '30s' },
});
/** Histories without it dropped events of removed triggers. */
const REMOVED_ARE_KEPT = 'what-removed-triggers-hold-is-kept';

export async function sensor(input: SensorInput): Promise<void> {
  const running = new Sensor(input);
  running.handleQueries();
  running.handleSignals();
  running.handleUpdates();
  await running.run();
}

class Sensor {
  private readonly memory: SensorMemory;
  private readonly stopped = new StoppedParts();
  private readonly contents: HeldContentMover;
  private readonly outbox: SensorOutbox;
  private readonly shares: ShareReports;
  private readonly controls: OperatorControls;
  private readonly retriggers: SensorRetriggers;

  constructor({ definition, request, carried }: SensorInput) {
    const startedAt = workflowInfo().startTime.getTime();
    this.memory = new SensorMemory(definition, carried, startedAt);
    if (carried === undefined) this.memory.controls.apply(request, startedAt);
    this.contents = new HeldContentMover(this.memory);
    this.outbox = new SensorOutbox(this.contents);
    this.shares = new ShareReports(this.memory);
    this.controls = new OperatorControls(this.memory.controls, () =>
      describeSensor(this.status(), this.memory.held(), workflowInfo().namespace),
    );
    this.retriggers = new SensorRetriggers(this.memory, this.controls);
  }

  handleQueries(): void {
    setHandler(sensorDefinitionQuery, () => this.memory.definition, { description: 'The Sensor as it is applied' });
    setHandler(sensorStatusQuery, () => this.status(), {
      description: 'Pause, triggers, counts, lag and stopped parts',
    });
    setHandler(sensorDependenciesQuery, () => this.memory.held(), {
      description: 'Events that joined triggers hold and wait for',
    });
    setHandler(sensorPlacesQuery, (eventKey) => this.memory.placesOf(eventKey), {
      description: 'Where the event of this key is held, and what it waits for',
    });
    setHandler(sensorCapacityQuery, () => this.memory.capacity(), {
      description: 'How many more events the sensor accepts now',
    });
  }

  /** Those of operators first. */
  handleSignals(): void {
    this.controls.handlePause('Stop listening, the bus keeps the events');
    this.controls.handleResume('Resume listening where it stopped');
    this.retriggers.handleSignal();
    this.controls.handleDelete('Sent by `sluice delete`: stop listening and end');
    setHandler(observeSignal, (batch) => this.observe(batch), {
      description: 'Sent by listeners: events that satisfied dependencies of joined triggers',
    });
    setHandler(firesEndedSignal, (tickets) => this.finish(tickets), {
      description: 'Sent by runs: fires of limited triggers that have ended',
    });
    setHandler(listenerReportSignal, (report) => this.count(report), {
      description: 'Sent by listeners: counts, lag',
    });
    setHandler(groupPlacesSignal, (places) => this.takePlaces(places), {
      description: 'Sent by concurrency groups: places that the sensor has now, or has no longer',
    });
  }

  handleUpdates(): void {
    setHandler(configureSensorUpdate, (definition, request?: ApplyRequest) => this.configure(definition, request), {
      description: 'Sent by `sluice apply`',
      validator: (definition: SensorDefinition, request?: ApplyRequest) =>
        requireSensorDefinition(definition, this.memory.definition, request),
    });
    this.retriggers.handleUpdate();
  }

  run(): Promise<void> {
    return this.controls.lifetime.untilDeleted(
      () => this.work(),
      () => this.forget(),
    );
  }

  private async work(): Promise<void> {
    for (;;) {
      this.controls.started();
      this.stopped.clear();
      this.controls.show();
      await runBeside({ start: () => this.listen(), stopAtOnce: stopListening }, () => this.attend());
      if (workflowInfo().continueAsNewSuggested) await this.continueAsNew();
    }
  }

  private listen(): ReadonlyArray<Promise<void>> {
    return listen(this.memory, (part, name, error) => {
      this.stopped.add(part, name, error, Date.now());
      this.controls.show();
    });
  }

  /** Sends decisions and decides what is due, until the listeners must stop. */
  private async attend(): Promise<void> {
    const isOver = (): boolean => this.controls.isRoundOver();
    while (!isOver()) {
      await this.outbox.send();
      this.contents.workOff();
      this.shares.workOff();
      this.controls.show();
      const deadline = this.memory.nextDeadline();
      const changed = (): boolean =>
        isOver() || !this.outbox.isEmpty() || this.shares.isDue() || this.memory.nextDeadline() !== deadline;
      if (deadline === undefined) await condition(changed);
      else if (
        deadline <= Date.now() ||
        !(await condition(changed, deadline - Date.now(), { summary: 'joined triggers: next window, batch or reset' }))
      ) {
        this.outbox.post(this.memory.advance(Date.now()));
      }
    }
  }

  /** Listeners have stopped, so few signals arrive; those received until then are carried over or sent first. */
  private async continueAsNew(): Promise<void> {
    do {
      await condition(allHandlersFinished);
      await this.outbox.drain();
      await this.shares.drain();
      await this.contents.makeRoom();
      this.outbox.post(this.memory.parkWhatCannotBeCarried());
    } while (!this.outbox.isEmpty() || this.shares.isDue() || !allHandlersFinished());
    await this.controls.lifetime.requireAlive();
    await continueAsNew<typeof sensor>({ definition: this.memory.definition, carried: this.memory.carry() });
  }

  private async forget(): Promise<void> {
    await this.outbox.drain();
    await this.shares.leave();
    await activities.sluiceForgetSensor.executeWithOptions({ summary: 'deleted: off the bus' }, [
      this.memory.definition,
    ]);
  }

  private observe(batch: ObservationBatch): void {
    if (this.controls.isUnreadable('observe', isObservationBatch(batch))) return;
    this.outbox.post(this.memory.observe(batch.observations));
  }

  private finish(tickets: readonly string[]): void {
    if (this.controls.isUnreadable('firesEnded', isTicketList(tickets))) return;
    this.outbox.post(this.memory.finish(tickets));
  }

  private takePlaces(places: GroupPlaces): void {
    if (this.controls.isUnreadable('groupPlaces', isGroupPlaces(places))) return;
    // A sensor of the same name that was deleted before is meant.
    if (places.epoch === this.shares.epoch) this.outbox.post(this.memory.takePlaces(places));
  }

  private count(report: ListenerReport): void {
    if (this.controls.isUnreadable('report', isListenerReport(report))) return;
    this.memory.count(report);
    this.controls.show();
  }

  private configure(definition: SensorDefinition, request: ApplyRequest | undefined): void {
    const isSame = JSON.stringify(definition) === JSON.stringify(this.memory.definition);
    if (isSame && this.stopped.isEmpty()) return;
    this.memory.controls.apply(request, Date.now());
    if (!isSame) {
      const keepsRemoved = this.memory.removesTriggers(definition) && patched(REMOVED_ARE_KEPT);
      this.outbox.post(this.memory.configure(definition, Date.now(), keepsRemoved));
    }
    this.controls.restart();
  }

  private status(): SensorStatus {
    return { ...this.memory.status(), ...this.stopped.status() };
  }
}
