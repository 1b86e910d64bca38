/**
 * One EventSource: keeps a reading activity alive for each of its events.
 *
 * Temporal replaces the leader election of Argo Events: exactly one attempt of a relay is active, and when its worker
 * stops, the next one takes over at the read position in the heartbeat.
 */
import { condition, continueAsNew, patched, setHandler, workflowInfo } from '@temporalio/workflow';
import type { EventSourceDefinition } from '../../src/contract/definitions';
import {
  backlogReportSignal,
  configureEventSourceUpdate,
  eventSourceDefinitionQuery,
  eventSourceStatusQuery,
  type BacklogReport,
  type EventSourceStart,
  type EventSourceStatus,
} from '../../src/contract/event-source-messages';
import type { ApplyRequest, ControlStatus } from '../../src/contract/lifecycle-messages';
import { listEvents } from '../../src/contract/source-events';
import { isSupportedSource } from '../../src/kinds/source-kinds';
import { EventStates, type EventFailures } from '../../src/sandbox/event-source/event-states';
import { ControlState } from '../../src/sandbox/lifecycle/control-state';
import { OperatorControls } from '../lifecycle/operator-controls';
import { runBeside } from '../lifecycle/run-beside';
import { isBacklogReport, requireDefinition } from '../lifecycle/signal-guards';
import { describeEventSource } from './event-source-details';
import { EventReaders, stopReading } from './event-readers';

/** Histories of these hold no marker; of every other kind there may be one in which it was not read yet. */
const FIRST_KINDS: readonly string[] = ['file', 'redis', 'redisStream', 'webhook'];
const BEGINS_NEW_KINDS = 'begins-new-kinds';

export interface EventSourceInput extends EventSourceStart {
  /** Carried over by continue-as-new. */
  readonly carried?: ControlStatus & { readonly appliedAt: string; readonly failures?: EventFailures };
}

export async function eventSource(input: EventSourceInput): Promise<void> {
  const source = new EventSource(input);
  source.handleMessages();
  await source.run();
}

class EventSource {
  private definition: EventSourceDefinition;
  private readonly appliedAt: string;
  private readonly state: ControlState;
  private readonly controls: OperatorControls;
  private readonly events = new EventStates();

  constructor(private readonly input: EventSourceInput) {
    this.definition = input.definition;
    this.appliedAt = input.carried?.appliedAt ?? new Date().toISOString();
    this.state = new ControlState(input.carried);
    if (input.carried === undefined) this.state.apply(input.request, workflowInfo().startTime.getTime());
    this.controls = new OperatorControls(this.state, () =>
      describeEventSource(this.definition, this.status(), workflowInfo().namespace),
    );
  }

  handleMessages(): void {
    setHandler(eventSourceDefinitionQuery, () => this.definition, { description: 'The EventSource as it is applied' });
    setHandler(configureEventSourceUpdate, (next, request?: ApplyRequest) => this.configure(next, request), {
      description: 'Sent by `sluice apply`',
      validator: (next, request?: ApplyRequest) => requireDefinition(next, this.definition, request),
    });
    this.controls.handlePause('Stop reading; new events stay in the system that is read');
    this.controls.handleResume('Resume reading');
    this.controls.handleDelete('Sent by `sluice delete`: stop reading and end');
    setHandler(eventSourceStatusQuery, () => this.status(), {
      description: 'Events, pause and problems',
    });
    setHandler(backlogReportSignal, (report) => this.takeBacklog(report), {
      description: 'Sent while it is paused: the backlog of the system that is read',
    });
  }

  run(): Promise<void> {
    return this.controls.lifetime.untilDeleted(() => this.read());
  }

  private async read(): Promise<void> {
    for (let failures = this.input.carried?.failures ?? {}; ; failures = {}) {
      this.controls.started();
      this.events.begin(listEvents(this.definition.spec), this.state.isPaused, failures, isReadHere);
      this.controls.show();
      const readers = new EventReaders(this.definition, this.events, () => this.controls.show());
      await runBeside({ start: () => readers.start(), stopAtOnce: stopReading }, () =>
        condition(() => this.controls.isRoundOver()),
      );
      await this.controls.lifetime.requireAlive();
      if (workflowInfo().continueAsNewSuggested) await this.continueAsNew();
    }
  }

  private async continueAsNew(): Promise<void> {
    // A pause, a resume or an apply requests a retry of whatever has failed.
    const failures = this.controls.isRestarting ? {} : this.events.failures();
    const carried = { appliedAt: this.appliedAt, ...this.state.status(), failures };
    await continueAsNew<typeof eventSource>({ definition: this.definition, carried });
  }

  private configure(next: EventSourceDefinition, request: ApplyRequest | undefined): void {
    const isUnchanged = JSON.stringify(next) === JSON.stringify(this.definition);
    // Re-applying an unchanged spec after a failure means that its cause was fixed elsewhere: restart.
    if (isUnchanged && !this.events.hasFailed() && !this.hasNewKinds()) return;
    this.definition = next;
    this.state.apply(request, Date.now());
    this.controls.restart();
  }

  /** A kind that an earlier version of the worker did not read. */
  private hasNewKinds(): boolean {
    const isNew = this.events.all().some(({ kind, state }) => state === 'NotSupported' && isSupportedSource(kind));
    return isNew && patched(BEGINS_NEW_KINDS);
  }

  private takeBacklog(report: BacklogReport): void {
    if (this.controls.isUnreadable('backlog', isBacklogReport(report))) return;
    this.events.backlog(report);
    this.controls.show();
  }

  private status(): EventSourceStatus {
    const { namespace, name } = this.definition;
    return { namespace, name, ...this.state.status(), events: this.events.all(), appliedAt: this.appliedAt };
  }
}

function isReadHere(kind: string): boolean {
  return isSupportedSource(kind) && (FIRST_KINDS.includes(kind) || patched(`reads-${kind}`));
}
