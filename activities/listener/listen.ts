/**
 * The listener: bus → dependencies → runs. A message is acked once Temporal has accepted everything that follows from
 * it; until then the bus keeps it, whatever happens to this worker.
 */
import { randomUUID } from 'node:crypto';
import { CancelledFailure, Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { Bus, BusListener, SensorBacklog } from '../../src/bus/bus';
import { eventPath } from '../../src/bus/event-path';
import { describeError } from '../../src/errors/sluice-error';
import { openWhileWanted } from '../../src/concurrency/open-while-wanted';
import { planSensor, type SensorPlan } from '../../src/sandbox/sensor/sensor-plan';
import { mostUrgent } from '../../src/contract/priority';
import { sensorWorkflowId } from '../../src/contract/identity';
import { listenerReportSignal, type SensorCounts } from '../../src/contract/sensor-messages';
import type { ListenRequest } from '../../src/contract/activities';
import { AbsenceChecks } from './absence-checks';
import { AbsenceWatch } from './absence-watch';
import { toBacklogHeartbeat } from './backlog-heartbeat';
import { stopReasonOf } from '../worker/stop-reason';
import { toApplicationFailure } from '../worker/failures';
import { AttemptNotes, type NotingWorker } from './attempt-notes';
import { CallsUnderWay } from './calls-under-way';
import { FiresInHand } from './fires-in-hand';
import { FirstAttempts, type FirstAttemptsOptions } from './first-attempts';
import type { Firing } from '../firing/firing';
import { ReturnedEvents, retryDelay } from './returned-events';
import { BatchHandler, type HandledBatch, type PostponedEvent } from './handle-batch';
import { notConnected, startHeartbeat, WAITS_FOR_BUS, type Heartbeat } from '../worker/heartbeat';
import { ListenerTelemetry } from './listener-telemetry';
import { ParkedRuns } from './parked-runs';
import { recordExpired } from './record-expired';
import { boundPriority } from '../worker/priority-bound';
import { ReportPace } from '../worker/report-pace';
import { isInGroup, mayHoldBack, queryCapacity, queryGroups, SensorCapacity } from './sensor-capacity';
import type { HandledEvent } from './settle-event';
import { startOfListener } from './start-of-listener';
import { StallWatch } from './stall-watch';
import { UnrecordedAttempts } from './unrecorded-attempts';
import type { WorkerDependencies } from '../worker/worker-dependencies';

/**
 * Pulls in flight at a time. Two: while the runs of one batch are started the next one is decided. In a storm the
 * backlog stays on the bus, where it makes the next batch larger and so cheaper.
 */
const CONCURRENT_BATCHES = 2;
const PULL_SIZE = 200;
const FIRST_REPORT_AFTER_MS = 2_000;
const REPORT_EVERY_MS = 15_000;
/** A worker that shuts down does not wait for an unavailable Temporal. */
const LAST_REPORT_TIMEOUT_MS = 1_000;
const MAX_PROBLEM_LENGTH = 500;

export interface ListenActivities {
  sluiceListen(request: ListenRequest): Promise<void>;
}

export function createListenActivities(
  dependencies: WorkerDependencies,
  firing: Firing,
): ListenActivities & { close(): Promise<void> } {
  const unrecorded = new UnrecordedAttempts();
  const calls = new CallsUnderWay(unrecorded, dependencies.log);
  const shared: SharedByListeners = {
    ...{ firing, unrecorded, calls, inHand: new FiresInHand(), parkedRuns: new ParkedRuns() },
    ...{ process: randomUUID(), begun: new Map() },
  };
  return {
    close: () => calls.close(),

    async sluiceListen(request) {
      const context = Context.current();
      const heartbeat = startHeartbeat(notConnected(WAITS_FOR_BUS));
      try {
        const { cancellationSignal: signal, client, info } = context;
        await dependencies.buses.use(request.definition.bus, signal, (bus) =>
          new Listener(request, bus, client, info.taskQueue, dependencies, shared).run(signal, heartbeat),
        );
      } catch (error) {
        if (error instanceof CancelledFailure) throw error;
        throw toApplicationFailure(error);
      } finally {
        heartbeat.stop();
      }
      // Reports to Temporal why it ended: cancelled, paused, or a worker that shuts down and hands over.
      await context.cancelled;
    },
  };
}

/** Of one worker. */
interface SharedByListeners
  extends Pick<FirstAttemptsOptions, 'firing' | 'unrecorded' | 'calls'>, Pick<NotingWorker, 'process' | 'begun'> {
  readonly inHand: FiresInHand;
  readonly parkedRuns: ParkedRuns;
}

class Listener {
  private readonly plan: SensorPlan;
  private readonly epoch = randomUUID();
  private counts: SensorCounts = { consumed: 0, matched: 0, unmatched: 0, fired: 0, failed: 0 };
  private readonly telemetry: ListenerTelemetry;
  private lag = 0;
  private backlog: SensorBacklog | undefined;
  private parked: number | undefined;
  private readonly givenBack = new ReturnedEvents();
  private readonly stall = new StallWatch();
  private readonly notes: AttemptNotes;
  private readonly handler: BatchHandler;
  /** Of the most urgent trigger: what an event asks for is known only when it has been pulled. */
  private readonly priority: number;
  /** Pulls that wait for capacity of the worker or the sensor. */
  private heldBack = 0;
  private reported = '';
  private isMeasuring = false;
  private readonly absence: AbsenceWatch | undefined;
  private absenceChecks: AbsenceChecks | undefined;
  private readonly capacity: SensorCapacity | undefined;
  private readonly pace = new ReportPace(FIRST_REPORT_AFTER_MS, REPORT_EVERY_MS, Date.now());

  constructor(
    private readonly request: ListenRequest,
    private readonly bus: Bus,
    private readonly client: Client,
    taskQueue: string,
    private readonly dependencies: WorkerDependencies,
    private readonly shared: SharedByListeners,
  ) {
    this.plan = planSensor(request.definition.spec, request.definition.options);
    this.priority = boundPriority(mostUrgent([...this.plan.priorities.values()].map(({ priority }) => priority)));
    const { definition } = request;
    const { fireLoad } = dependencies;
    const { firing, unrecorded, calls, inHand, process, begun } = shared;
    this.notes = new AttemptNotes(bus, definition, { process, begun, name: client.options.identity ?? '' });
    const attempts = { firing, unrecorded, calls, notes: this.notes };
    const firstAttempts = new FirstAttempts({ definition, client, fireLoad, ...attempts });
    this.handler = new BatchHandler(definition, this.plan, client, taskQueue, firstAttempts, inHand, dependencies);
    this.absence = AbsenceWatch.of(definition, bus);
    this.telemetry = new ListenerTelemetry(dependencies.metrics, request.definition);
    if (mayHoldBack(this.plan)) {
      const { listeners } = request.definition.options;
      this.capacity = new SensorCapacity(async () =>
        Math.ceil((await queryCapacity(client, request.definition)) / listeners),
      );
    }
  }

  async run(signal: AbortSignal, heartbeat: Heartbeat): Promise<void> {
    const { namespace, name } = this.request.definition;
    const paths = this.plan.interests.map(({ eventSourceName, eventName }) => eventPath(eventSourceName, eventName));
    const opening = this.bus.openListener({
      namespace,
      sensorName: name,
      paths,
      startFrom: startOfListener(this.request),
      maxBatch: PULL_SIZE,
      signal,
    });
    const listener = await openWhileWanted(opening, signal, (late) => late.close());
    this.telemetry.open();
    heartbeat.report(() => {
      const connected = this.bus.isConnected();
      this.telemetry.connected(connected);
      const { backlog } = this;
      const busProblem = this.bus.problem();
      const problem = this.problem();
      return {
        ...(busProblem !== undefined && { busProblem }),
        ...this.counts,
        lag: this.lag,
        connected,
        ...(backlog && toBacklogHeartbeat(backlog)),
        ...(problem !== undefined && { problem }),
      };
    });
    const reporting = setInterval(() => {
      if (this.pace.isDue(Date.now())) void this.measureAndReport(listener);
    }, FIRST_REPORT_AFTER_MS / 2);
    if (this.absence !== undefined) {
      const isCaughtUp = (): boolean => this.backlog?.waiting === 0;
      this.absenceChecks = new AbsenceChecks(this.absence, isCaughtUp, (text) =>
        this.dependencies.log.warn({ sensor: name }, text),
      );
    }
    let problem: unknown;
    try {
      await Promise.all(Array.from({ length: CONCURRENT_BATCHES }, () => this.handleBatches(listener, signal)));
    } catch (error) {
      problem = error;
      throw error;
    } finally {
      clearInterval(reporting);
      this.dependencies.fireLoad.waiting(this.request.definition, 0);
      this.telemetry.close(stopReasonOf(problem));
      // Counts since the last report would be lost with this listener.
      const reported = this.client.withDeadline(Date.now() + LAST_REPORT_TIMEOUT_MS, () => this.report());
      await Promise.all([reported, this.absenceChecks?.close(), this.clearNotes()]);
      await listener.close();
      await this.bus.flushDecisions();
    }
  }

  /** What the last batches noted would be written with each batch of the workers after this one. */
  private async clearNotes(): Promise<void> {
    if (this.bus.isConnected()) await this.notes.publish().catch(() => undefined);
  }

  private async handleBatches(listener: BusListener, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const most = await this.awaitRoom(signal);
      if (most === 0) continue;
      const messages = await listener.pull(most);
      this.capacity?.settle(most - messages.length, most - messages.length);
      if (messages.length === 0) continue;
      this.lag = messages.at(-1)?.pending ?? 0;
      this.dependencies.fireLoad.waiting(this.request.definition, this.lag);
      const startedAt = Date.now();
      try {
        this.answer(await this.handler.handle(messages, listener.handledByArgo, signal), startedAt);
      } catch (error) {
        this.giveBack(messages.map((message) => ({ message, isOutage: true, error })));
      }
      this.capacity?.settle(messages.length);
    }
  }

  /** Returns how many events may be pulled now; 0 when the signal aborts. */
  private async awaitRoom(signal: AbortSignal): Promise<number> {
    this.heldBack += 1;
    try {
      const most = Math.min(
        PULL_SIZE,
        await this.dependencies.fireLoad.capacity(this.request.definition, signal, this.priority),
      );
      return (await this.capacity?.take(most, signal)) ?? most;
    } finally {
      this.heldBack -= 1;
    }
  }

  private answer({ handled, postponed }: HandledBatch, startedAt: number): void {
    for (const { message } of handled) {
      message.ack();
      this.givenBack.handled(message.sequence);
    }
    this.giveBack(postponed);
    const events = handled.map(({ event }) => event);
    const records = events.flatMap((event) => event.records);
    if (records.length > 0) this.bus.recordDecisions(records);
    this.count(events);
    this.noteMatched(events);
    this.telemetry.decided(events, startedAt);
  }

  /** Stored at once: if this worker dies now, the event must not count as missing. */
  private noteMatched(events: readonly HandledEvent[]): void {
    if (this.absence === undefined) return;
    const now = Date.now();
    for (const { decision } of events) {
      for (const { dependency, event } of [...decision.fires, ...decision.observations]) {
        this.absence.matched(dependency, event, now);
      }
    }
    void this.absenceChecks?.check(false);
  }

  /** Naks the events. None is lost: the bus redelivers each after its own delay, here or elsewhere. */
  private giveBack(postponed: readonly PostponedEvent[]): void {
    const [first] = postponed;
    if (first === undefined) return;
    const now = Date.now();
    for (const { message, isOutage, error } of postponed) {
      const delayMs = retryDelay(message.deliveryCount, isOutage);
      message.nak(delayMs);
      this.givenBack.add(message.sequence, describeError(error).slice(0, MAX_PROBLEM_LENGTH), delayMs, now);
    }
    this.pace.changed(now);
    this.dependencies.log.warn(
      { sensor: this.request.definition.name },
      `${postponed.length} events are returned to the bus and retried: ${this.problem() ?? ''}`,
    );
  }

  private problem(): string | undefined {
    const now = Date.now();
    return this.givenBack.problem(now) ?? this.stall.problem(now);
  }

  private count(events: readonly HandledEvent[]): void {
    const counts = { ...this.counts };
    for (const { decision, made } of events) {
      counts.consumed += 1;
      counts.fired += made.filter((one) => one === 'fired').length;
      if (decision.fires.length + decision.observations.length > 0) counts.matched += 1;
      else if (made.includes('failed')) counts.failed += 1;
      else counts.unmatched += 1;
    }
    this.counts = counts;
    this.pace.changed(Date.now());
  }

  private async measureAndReport(listener: BusListener): Promise<void> {
    if (this.isMeasuring) return;
    this.isMeasuring = true;
    try {
      this.lag = await this.telemetry.measureBacklog(
        () => this.measureBacklog(listener),
        (backlog) => this.stall.observe(backlog, this.heldBack > 0, Date.now()),
      );
      this.parked = await this.shared.parkedRuns.count(this.client.workflow, this.request.definition);
      this.telemetry.parked(this.parked);
      if (isInGroup(this.plan)) this.telemetry.grouped(await queryGroups(this.client, this.request.definition));
    } catch (error) {
      this.dependencies.log.debug(`${this.request.definition.name} not measured: ${describeError(error)}`);
    }
    this.pace.looked(await this.report(), Date.now());
    this.isMeasuring = false;
  }

  private async measureBacklog(listener: BusListener): Promise<SensorBacklog> {
    const { definition } = this.request;
    const backlog = await listener.measureBacklog(definition.options.listeners === 1);
    recordExpired(this.bus, this.dependencies.log, definition, backlog.expired);
    this.backlog = backlog;
    return backlog;
  }

  /** Reports to the sensor for its page in the UI; only after a change, because each report is in its history. */
  private async report(): Promise<boolean> {
    const { definition, listener: name } = this.request;
    const { epoch, counts, lag, parked } = this;
    const problem = this.problem();
    const report = {
      ...{ listener: name, epoch, counts, lag },
      ...(parked !== undefined && { parked }),
      ...(problem !== undefined && { problem }),
    };
    const text = JSON.stringify(report);
    if (text === this.reported) return false;
    try {
      await this.client.workflow
        .getHandle(sensorWorkflowId(definition.namespace, definition.name))
        .signal(listenerReportSignal, { ...report, at: new Date().toISOString() });
      this.reported = text;
    } catch (error) {
      this.dependencies.log.debug(`counts of ${definition.name} not reported: ${describeError(error)}`);
    }
    return true;
  }
}
