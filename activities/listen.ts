/**
 * The listener: bus → dependencies → runs. A message is acknowledged once Temporal has accepted what follows from it;
 * until then the bus keeps it, whatever happens to this worker.
 */
import { randomUUID } from 'node:crypto';
import { CancelledFailure, Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { Bus, BusListener, BusMessage, SensorBacklog } from '../src/bus/bus';
import { eventSubject } from '../src/bus/subjects';
import { describeError } from '../src/errors';
import { eventKey } from '../src/event/cloud-event';
import type { DecisionRecord } from '../src/event/decision-record';
import { planSensor, type SensorPlan } from '../src/sensor/sensor-plan';
import { sensorWorkflowId } from '../workflows/identity';
import { listenerReportSignal, observeSignal, type Observation, type SensorCounts } from '../workflows/messages';
import type { RunStart } from '../workflows/run-start';
import type { ListenRequest } from './contracts';
import { toBacklogHeartbeat } from './backlog-heartbeat';
import { decideFires, describeIncoming, type EventDecision } from './decide-fires';
import { endingOf } from './ending';
import { toApplicationFailure } from './failures';
import { keepBeating, unlessCancelled, WAITS_FOR_BUS, type Beating } from './keep-beating';
import { ListenerTelemetry } from './listener-telemetry';
import { cutObservations } from './observation-batches';
import { recordExpired } from './record-expired';
import { ReportPace } from './report-pace';
import { askRoom, mayHoldBack, SensorRoom } from './sensor-room';
import { findStartedFires, groupIntoRuns, startedFireKey, startRun } from './start-runs';
import type { WorkerDependencies } from './worker-dependencies';

/**
 * Pulls under way together. Two: while the runs of one batch are started the next one is decided, and in a storm the
 * backlog waits on the bus, where it makes the next batch larger and so cheaper.
 */
const CONCURRENT_BATCHES = 2;
const PULL_SIZE = 200;
const FIRST_REPORT_AFTER_MS = 2_000;
const REPORT_EVERY_MS = 15_000;
/** A worker that shuts down does not wait for a Temporal that is away. */
const LAST_REPORT_TIMEOUT_MS = 1_000;
const RETRY_AFTER_MS = 1_000;
const MAX_PROBLEM_LENGTH = 500;
/** Temporal refuses whatever is larger than 2 MB; the trigger's template and JSON's own growth need some of it. */
const MAX_EVENT_BYTES = 1_500_000;

export interface ListenActivities {
  sluiceListen(request: ListenRequest): Promise<void>;
}

export function createListenActivities(dependencies: WorkerDependencies): ListenActivities {
  return {
    async sluiceListen(request) {
      const context = Context.current();
      const beating = keepBeating(WAITS_FOR_BUS);
      try {
        const bus = await unlessCancelled(dependencies.buses.get(request.definition.bus));
        const listener = new Listener(request, bus, context.client, context.info.taskQueue, dependencies);
        await listener.run(context.cancellationSignal, beating);
      } catch (error) {
        if (error instanceof CancelledFailure) throw error;
        throw toApplicationFailure(error);
      } finally {
        beating.stop();
      }
      // Tells Temporal why it ended: cancelled, paused, or a worker that shuts down and hands over.
      await context.cancelled;
    },
  };
}

class Listener {
  private readonly plan: SensorPlan;
  private readonly epoch = randomUUID();
  private counts: SensorCounts = { consumed: 0, matched: 0, unmatched: 0, fired: 0, failed: 0 };
  private readonly telemetry: ListenerTelemetry;
  private lag = 0;
  private backlog: SensorBacklog | undefined;
  private parked: number | undefined;
  /** Why events go back to the bus, while they do. */
  private problem: string | undefined;
  private reported = '';
  private isMeasuring = false;
  private readonly room: SensorRoom | undefined;
  private readonly pace = new ReportPace(FIRST_REPORT_AFTER_MS, REPORT_EVERY_MS, Date.now());

  constructor(
    private readonly request: ListenRequest,
    private readonly bus: Bus,
    private readonly client: Client,
    private readonly taskQueue: string,
    private readonly dependencies: WorkerDependencies,
  ) {
    this.plan = planSensor(request.definition.spec, request.definition.options);
    this.telemetry = new ListenerTelemetry(dependencies.metrics, request.definition);
    if (mayHoldBack(this.plan)) {
      const { listeners } = request.definition.options;
      this.room = new SensorRoom(async () => Math.ceil((await askRoom(client, request.definition)) / listeners));
    }
  }

  async run(signal: AbortSignal, beating: Beating): Promise<void> {
    const { namespace, name, options } = this.request.definition;
    const { startFrom } = options;
    const subjects = this.plan.interests.map(({ eventSourceName, eventName }) =>
      eventSubject(eventSourceName, eventName),
    );
    const opening = this.bus.openListener({
      namespace,
      sensorName: name,
      subjects,
      // "New" is everything since the sensor was applied, also what came before its first listener was up.
      startFrom: startFrom.kind === 'new' ? { kind: 'time', time: this.request.appliedAt } : startFrom,
      maxBatch: PULL_SIZE,
      signal,
    });
    const listener = await unlessCancelled(opening);
    this.telemetry.open();
    beating.tell(() => {
      const connected = this.bus.isConnected();
      this.telemetry.connected(connected);
      const { backlog } = this;
      const busProblem = this.bus.problem();
      return {
        ...(busProblem !== undefined && { busProblem }),
        ...this.counts,
        lag: this.lag,
        connected,
        ...(backlog && toBacklogHeartbeat(backlog)),
        ...(this.problem !== undefined && { problem: this.problem }),
      };
    });
    const reporting = setInterval(() => {
      if (this.pace.isDue(Date.now())) void this.measureAndReport(listener);
    }, FIRST_REPORT_AFTER_MS / 4);
    let problem: unknown;
    try {
      await Promise.all(Array.from({ length: CONCURRENT_BATCHES }, () => this.handleBatches(listener, signal)));
    } catch (error) {
      problem = error;
      throw error;
    } finally {
      clearInterval(reporting);
      this.telemetry.close(endingOf(problem));
      // What was counted since the last report would be lost with this listener.
      await this.client.withDeadline(Date.now() + LAST_REPORT_TIMEOUT_MS, () => this.report());
      await listener.close();
      await this.bus.flushDecisions();
    }
  }

  private async handleBatches(listener: BusListener, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.dependencies.fireLoad.room(signal);
      const most = (await this.room?.take(PULL_SIZE, signal)) ?? PULL_SIZE;
      if (most === 0) continue;
      const messages = await listener.pull(most);
      this.room?.brought(most - messages.length, most - messages.length);
      if (messages.length === 0) continue;
      this.lag = messages.at(-1)?.pending ?? 0;
      try {
        await this.handle(messages);
      } catch (error) {
        this.giveBack(messages, error);
      }
      this.room?.brought(messages.length);
    }
  }

  /** Nothing is lost: the bus delivers these again, here or elsewhere. */
  private giveBack(messages: readonly BusMessage[], reason: unknown): void {
    for (const message of messages) message.release(RETRY_AFTER_MS);
    this.problem = describeError(reason).slice(0, MAX_PROBLEM_LENGTH);
    this.pace.changed(Date.now());
    this.dependencies.log.warn(
      { sensor: this.request.definition.name },
      `${messages.length} events go back to the bus for a moment: ${this.problem}`,
    );
  }

  private async handle(messages: readonly BusMessage[]): Promise<void> {
    const { definition } = this.request;
    const startedAt = Date.now();
    const [startable, oversized] = separateOversized(messages);
    const decided = await decideFires(definition, this.plan, startable, this.dependencies.engine);
    const decisions = decided.map((decision, index) => ({ ...decision, message: startable[index] }));
    const again = await this.findRepeated(startable);
    const fires = decisions.flatMap((decision) => {
      // The length of the whole event stands for each of its transformed copies.
      const bytes = decision.fires.length === 0 ? 0 : JSON.stringify(decision.incoming.event).length;
      return decision.fires
        .filter(({ event, trigger }) => !again.has(startedFireKey(eventKey(event), trigger)))
        .map((fire) => ({ ...fire, bytes }));
    });
    const runs = groupIntoRuns(definition, fires);
    this.dependencies.fireLoad.started(fires.map((fire) => fire.id));
    const [refused, untold] = await Promise.all([
      this.startRuns(runs),
      this.tellSensor(decisions.flatMap((decision) => decision.observations)),
    ]);
    const accepted = decisions.filter(
      (decision) =>
        !decision.fires.some(({ id }) => refused.fireIds.has(id)) &&
        (untold === undefined || decision.observations.length === 0),
    );
    for (const { message } of accepted) message?.ack();
    for (const message of oversized) message.ack();
    const back = decisions.filter((decision) => !accepted.includes(decision)).map(({ message }) => message);
    if (back.length === 0) this.problem = undefined;
    else {
      this.dependencies.fireLoad.finished([...refused.fireIds]);
      this.giveBack(
        back.filter((message) => message !== undefined),
        refused.reason ?? untold,
      );
    }
    const runOf = new Map(runs.flatMap((run) => run.input.fires.map((fire) => [fire.id, run.workflowId])));
    const tooLarge = oversized.map((message) => this.refuseOversized(message));
    this.record(accepted, [...accepted.flatMap(({ records }) => records), ...tooLarge], runOf);
    this.count(accepted, tooLarge.length);
    this.telemetry.decided(accepted, runOf, startedAt);
    this.telemetry.refused(tooLarge.length);
  }

  /** Each run for itself: one that Temporal does not take keeps no other waiting. */
  private async startRuns(runs: readonly RunStart[]): Promise<{ fireIds: ReadonlySet<string>; reason: unknown }> {
    const fireIds = new Set<string>();
    let reason: unknown;
    const start = async (run: RunStart): Promise<void> => {
      try {
        await startRun(this.client.workflow, this.taskQueue, run);
      } catch (error) {
        reason = error;
        for (const { id } of run.input.fires) fireIds.add(id);
      }
    };
    await Promise.all(runs.map(start));
    return { fireIds, reason };
  }

  /** Fires of this pull that an earlier pull already handed to a run. */
  private async findRepeated(messages: readonly BusMessage[]): Promise<ReadonlySet<string>> {
    const keys = messages.flatMap(({ event, deliveryCount }) =>
      event !== undefined && deliveryCount > 1 ? [eventKey(event)] : [],
    );
    return keys.length === 0 ? new Set() : await findStartedFires(this.client, this.request.definition, keys);
  }

  /** Answers why not, where the sensor could not be told; told twice, it takes each event once. */
  private async tellSensor(observations: readonly Observation[]): Promise<unknown> {
    const { namespace, name } = this.request.definition;
    const sensor = this.client.workflow.getHandle(sensorWorkflowId(namespace, name));
    try {
      for (const portion of cutObservations(observations)) {
        await sensor.signal(observeSignal, { observations: portion });
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }

  private refuseOversized(message: BusMessage): DecisionRecord {
    const { definition } = this.request;
    return {
      ...describeIncoming(definition, message, Date.now()),
      decision: 'failed',
      code: 'BUS_EVENT_TOO_LARGE',
      reason: `the event is larger than ${MAX_EVENT_BYTES} bytes, more than a run can carry`,
    };
  }

  private record(
    decisions: readonly EventDecision[],
    records: DecisionRecord[],
    runOf: ReadonlyMap<string, string>,
  ): void {
    const { definition } = this.request;
    const { decisions: wanted } = definition.options;
    if (wanted === 'off') return;
    const now = Date.now();
    if (wanted === 'all') {
      for (const { incoming, fires, observations } of decisions) {
        const about = describeIncoming(definition, incoming, now);
        if (fires.length > 0) {
          const runId = runOf.get(fires[0]?.id ?? '');
          records.push({
            ...about,
            decision: 'fired',
            triggers: fires.map((fire) => fire.trigger),
            ...(runId === undefined ? { reason: 'a run that started earlier carries it' } : { runId }),
          });
        }
        for (const { dependency } of observations) records.push({ ...about, decision: 'joined', dependency });
      }
    }
    if (records.length > 0) this.bus.recordDecisions(records);
  }

  private count(decisions: readonly EventDecision[], oversized: number): void {
    const counts = { ...this.counts };
    counts.consumed += oversized;
    counts.failed += oversized;
    for (const { fires, observations, records } of decisions) {
      counts.consumed += 1;
      counts.fired += fires.length;
      if (fires.length + observations.length > 0) counts.matched += 1;
      else if (records.some(({ decision }) => decision === 'failed')) counts.failed += 1;
      else counts.unmatched += 1;
    }
    this.counts = counts;
    this.pace.changed(Date.now());
  }

  private async measureAndReport(listener: BusListener): Promise<void> {
    if (this.isMeasuring) return;
    this.isMeasuring = true;
    try {
      this.lag = await this.telemetry.measureBacklog(() => this.measureBacklog(listener));
      this.parked = await this.telemetry.countParked(this.client.workflow);
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

  /** For the sensor's page in the UI; only when something changed, because each report is in its history. */
  private async report(): Promise<boolean> {
    const { definition, listener: name } = this.request;
    const { epoch, counts, lag, parked, problem } = this;
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

/** Cheap for the many: only what the bus says is large is measured. */
function separateOversized(messages: readonly BusMessage[]): [BusMessage[], BusMessage[]] {
  const startable: BusMessage[] = [];
  const oversized: BusMessage[] = [];
  for (const message of messages) (isOversized(message) ? oversized : startable).push(message);
  return [startable, oversized];
}

function isOversized({ event, bytes }: BusMessage): boolean {
  // Encoded data grows when it is written as text, at most sixfold.
  return event !== undefined && bytes * 6 > MAX_EVENT_BYTES && JSON.stringify(event).length > MAX_EVENT_BYTES;
}
