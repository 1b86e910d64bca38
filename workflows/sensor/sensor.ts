/**
 * One sensor, for as long as it is applied: holds the spec and the state of joined triggers, keeps its listeners and
 * its outcome watch alive, and starts the runs of joined triggers. Everything else happens in separate runs, so that
 * this workflow's history grows only with operators' actions and joined events.
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  log,
  ParentClosePolicy,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { describeFailure, readFailure } from '../../src/sandbox/run/read-failure';
import type { RecordDecisionsRequest, SensorActivities } from '../../src/contract/activities';
import { REPEATABLE } from '../lifecycle/activity-options';
import {
  missingRequester,
  refusalOf,
  requireRequest,
  SENSOR_RETRIGGER_FIELDS,
} from '../../src/contract/operator-request';
import { cutByBytes } from '../../src/text/cut-by-bytes';
import { HeldContentMover } from './held-content-mover';
import { Lifetime, CANCELLATION_IGNORED } from '../lifecycle/lifetime';
import { RunStarts } from './run-starts';
import { describeSensor } from './sensor-details';
import { listen } from './sensor-listeners';
import { StoppedParts } from '../../src/sandbox/sensor/stopped-parts';
import { ignoreCancellation } from '../lifecycle/ignore-cancellation';
import type { SensorDefinition } from '../../src/contract/definitions';
import { deleteSignal, pauseSignal, resumeSignal } from '../../src/contract/lifecycle-messages';
import {
  configureSensorUpdate,
  firesEndedSignal,
  listenerReportSignal,
  observeSignal,
  retriggerSignal,
  retriggerUpdate,
  sensorDefinitionQuery,
  sensorDependenciesQuery,
  sensorPlacesQuery,
  sensorCapacityQuery,
  sensorStatusQuery,
  type RetriggerRequest,
  type SensorStatus,
  type SensorStart,
} from '../../src/contract/sensor-messages';
import type { RunStart } from '../../src/contract/run-start';
import { SensorMemory, type CarriedSensor, type SensorEffects } from '../../src/sandbox/sensor/sensor-memory';
import { sensorRun } from '../run/sensor-run';
import {
  isListenerReport,
  isObservationBatch,
  isTicketList,
  requireSensorDefinition,
} from '../lifecycle/signal-guards';
import { summaryLine } from '../../src/text/summary-line';
import { createUpdateRefusal } from '../../src/contract/update-refusal';
import { describeRequester } from '../../src/text/requester-name';

export interface SensorInput extends SensorStart {
  /** Carried over by continue-as-new. */
  readonly carried?: CarriedSensor;
}

const regular = proxyActivities<SensorActivities>({
  ...REPEATABLE,
  startToCloseTimeout: '5m',
  retry: { maximumInterval: '30s' },
});
/** Limit of runs that are started together: a workflow may respond to its server with 4 MB. */
const MAX_START_BYTES = 1_000_000;
/** Histories without these continued once one part had stopped, dropped events of removed triggers, had children. */
const ALL_LET_GO = 'all-parts-let-go';
const REMOVED_ARE_KEPT = 'what-removed-triggers-hold-is-kept';
const NO_CHILDREN = 'runs-are-no-children';

/** An operator waits for the response, and so does a sensor that continues as new: respond, even with an error. */
const answering = proxyActivities<SensorActivities>({
  ...REPEATABLE,
  ...{ startToCloseTimeout: '5m', scheduleToCloseTimeout: '15m', retry: { maximumInterval: '30s' } },
});
const brief = proxyActivities<SensorActivities>({ startToCloseTimeout: '10s', scheduleToCloseTimeout: '1m' });

export async function sensor(input: SensorInput): Promise<void> {
  const memory = new SensorMemory(input.definition, input.carried, workflowInfo().startTime.getTime());
  /** Runs to start and notes to record, in the order in which they were decided. */
  const outbox: SensorEffects[] = [];
  const work = { held: new HeldContentMover(memory), starts: new RunStarts() };
  /** Incremented by everything that means: stop listening, determine again what to listen to. */
  let revision = 0;
  const post = (news: SensorEffects): void => void (news.runs.length + news.records.length > 0 && outbox.push(news));
  const stopped = new StoppedParts();
  const status = (): SensorStatus => ({ ...memory.status(), ...stopped.status() });
  const show = (): void => setCurrentDetails(describeSensor(status(), memory.held(), workflowInfo().namespace));
  const life = new Lifetime(() => {
    memory.refused(CANCELLATION_IGNORED, Date.now());
    show();
  });
  const retrigger = (request: RetriggerRequest): Promise<readonly string[]> =>
    life.run(() =>
      answering.sluiceRetrigger.executeWithOptions({ summary: describeRetrigger(request) }, [
        memory.definition,
        request,
      ]),
    );
  /** Signals cannot return errors, so a rejected one is shown in the details and ignored. */
  const isRefused = (what: string, refusal: string | undefined): boolean => {
    if (refusal === undefined) return false;
    memory.refused(`${what}: ${refusal}`, Date.now());
    show();
    return true;
  };
  const isUnreadable = (what: string, isReadable: boolean): boolean =>
    isRefused(what, isReadable ? undefined : 'it is not what workers send');

  setHandler(sensorDefinitionQuery, () => memory.definition, { description: 'The Sensor as it is applied' });
  setHandler(sensorStatusQuery, status, { description: 'Paused or not, triggers, counts, lag, what has stopped' });
  setHandler(sensorDependenciesQuery, () => memory.held(), { description: 'What joined triggers hold and wait for' });
  setHandler(sensorPlacesQuery, (eventKey) => memory.placesOf(eventKey), {
    description: 'Where the event of this key is held, and what it waits for',
  });
  setHandler(sensorCapacityQuery, () => memory.room(), { description: 'How many more events may come now' });
  // The UI lists signals in this order: those of operators first.
  setHandler(
    pauseSignal,
    (request) => {
      if (isRefused('pause', missingRequester(request))) return;
      memory.pause(request, Date.now());
      revision += 1;
    },
    { description: 'Stop listening, the bus keeps the events: {"by": "…", "why": "…"}' },
  );
  setHandler(
    resumeSignal,
    (request) => {
      if (isRefused('resume', missingRequester(request))) return;
      memory.resume();
      revision += 1;
    },
    { description: 'Listen on where it stopped: {"by": "…", "why": "…"}' },
  );
  setHandler(
    retriggerSignal,
    async (request) => {
      if (isRefused('retrigger', refusalOf(request, SENSOR_RETRIGGER_FIELDS))) return;
      // An error that leaves a signal handler would end the sensor, so it is shown instead.
      try {
        await retrigger(request);
      } catch (error) {
        if (isCancellation(error)) return;
        memory.refused(`retrigger: ${describeFailure(error)}`, Date.now());
      }
      show();
    },
    {
      description:
        'Start again a run, or the runs of an event: {"by": "…", "why": "…", "runId" or "eventId": "…", "trigger"?: "…", "overrides"?: {}, "again"?: true}',
    },
  );
  setHandler(
    deleteSignal,
    (request) => {
      if (!isRefused('delete', missingRequester(request))) life.delete();
    },
    { description: 'Sent by `sluice delete`: stop listening and end: {"by": "…", "why": "…"}' },
  );
  setHandler(
    observeSignal,
    (batch) => {
      if (!isUnreadable('observe', isObservationBatch(batch))) post(memory.observe(batch.observations));
    },
    { description: 'Sent by listeners: events that satisfied dependencies of joined triggers' },
  );
  setHandler(
    firesEndedSignal,
    (tickets) => {
      if (!isUnreadable('firesEnded', isTicketList(tickets))) post(memory.finish(tickets));
    },
    { description: 'Sent by runs: fires of limited triggers that have ended' },
  );
  setHandler(
    listenerReportSignal,
    (report) => {
      if (isUnreadable('report', isListenerReport(report))) return;
      memory.count(report);
      show();
    },
    { description: 'Sent by listeners: counts, lag' },
  );
  setHandler(
    configureSensorUpdate,
    (definition) => {
      const isSame = JSON.stringify(definition) === JSON.stringify(memory.definition);
      if (isSame && stopped.isEmpty()) return;
      if (!isSame) {
        const keepsRemoved = memory.removesTriggers(definition) && patched(REMOVED_ARE_KEPT);
        post(memory.configure(definition, Date.now(), keepsRemoved));
      }
      revision += 1;
    },
    {
      description: 'Sent by `sluice apply`',
      validator: (definition: SensorDefinition) => requireSensorDefinition(definition, memory.definition),
    },
  );
  setHandler(
    retriggerUpdate,
    async (request) => {
      try {
        return await retrigger(request);
      } catch (error) {
        if (isCancellation(error)) throw error;
        const { code, message, fix } = readFailure(error);
        throw createUpdateRefusal(code, fix === undefined ? message : `${message}. ${fix}`);
      }
    },
    {
      description: 'As the signal, and answers with the ids of the runs: {"by": "…", "why": "…", "runId"?: "…", …}',
      validator: (request) => requireRequest(request, SENSOR_RETRIGGER_FIELDS),
    },
  );

  const carry = async (): Promise<void> => {
    for (;;) {
      const seen = revision;
      stopped.clear();
      show();
      const listening = new CancellationScope();
      let parts: readonly Promise<void>[] = [];
      const listeners = listening.run(async () => {
        parts = listen(memory, (part, name, error) => {
          stopped.add(part, name, error, Date.now());
          show();
        });
        await Promise.all(parts);
      });
      try {
        await attend(
          memory,
          outbox,
          work,
          post,
          () => revision !== seen || workflowInfo().continueAsNewSuggested,
          show,
        );
      } finally {
        listening.cancel();
        await CancellationScope.nonCancellable(async () => {
          await listeners.catch(ignoreCancellation);
          if (patched(ALL_LET_GO)) await Promise.allSettled(parts);
        });
      }
      if (workflowInfo().continueAsNewSuggested) {
        // Listeners have stopped, so few signals arrive; those received until now are carried over or sent first.
        do {
          await condition(allHandlersFinished);
          await send(outbox, work);
          await work.held.idle();
          await work.starts.idle();
          await work.held.makeRoom();
          post(memory.parkWhatCannotBeCarried());
        } while (outbox.length > 0 || !allHandlersFinished());
        await life.requireAlive();
        await continueAsNew<typeof sensor>({ definition: memory.definition, carried: memory.carry() });
      }
    }
  };

  try {
    await life.run(carry);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(async () => {
      await send(outbox, work);
      await work.held.idle();
      await work.starts.idle();
      await regular.sluiceForgetSensor.executeWithOptions({ summary: 'deleted: off the bus' }, [memory.definition]);
    });
    if (!life.isDeleted) throw error;
  }
}

/** Work of a sensor besides listening. */
interface SensorWork {
  readonly held: HeldContentMover;
  readonly starts: RunStarts;
}

/** Until other listeners are requested: sends decisions, and decides what is due. */
async function attend(
  memory: SensorMemory,
  outbox: SensorEffects[],
  work: SensorWork,
  post: (news: SensorEffects) => void,
  isOver: () => boolean,
  show: () => void,
): Promise<void> {
  while (!isOver()) {
    await send(outbox, work);
    work.held.workOff();
    show();
    const deadline = memory.nextDeadline();
    const changed = (): boolean => isOver() || outbox.length > 0 || memory.nextDeadline() !== deadline;
    if (deadline === undefined) await condition(changed);
    else if (
      deadline <= Date.now() ||
      !(await condition(changed, deadline - Date.now(), { summary: 'joined triggers: next window, batch or reset' }))
    ) {
      post(memory.advance(Date.now()));
    }
  }
}

/** Decisions made meanwhile are sent together: each round costs the server several workflow tasks. */
async function send(outbox: SensorEffects[], { held, starts }: SensorWork): Promise<void> {
  while (outbox.length > 0) {
    const news = outbox.splice(0);
    const decided = news.flatMap(({ runs }) => runs);
    held.start(decided.filter(({ stored }) => stored !== undefined));
    const complete = decided.filter(({ stored }) => stored === undefined);
    if (complete.length > 0 && patched(NO_CHILDREN)) starts.add(complete);
    else for (const runs of cutByBytes(complete, MAX_START_BYTES)) await Promise.all(runs.map((run) => startRun(run)));
    const bus = news.at(-1)?.bus;
    const records = news.flatMap((each) => each.records);
    if (bus !== undefined)
      for (const some of cutByBytes(records, MAX_START_BYTES)) await record({ bus, records: some });
  }
}

/**
 * Records are for operators to look up; an unavailable bus must not stop the sensor's work, let alone end it.
 *
 * Not a local activity: if a query arrives during one, the SDK (1.24) delivers its result to the workflow later than in
 * a replay of the same history, so that a sensor that receives a signal in between can never be replayed.
 */
async function record(request: RecordDecisionsRequest): Promise<void> {
  try {
    await brief.sluiceRecordDecisions.executeWithOptions({ summary: `decisions → bus: ${request.records.length}` }, [
      request,
    ]);
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn(`${request.records.length} decisions were not recorded`, { error });
  }
}

function describeRetrigger({ runId, eventId, trigger, by, why }: RetriggerRequest): string {
  return summaryLine(
    `retrigger${trigger === undefined ? '' : ` ${trigger}`} by ${describeRequester(by)}: ${why} (${runId ?? eventId ?? ''})`,
  );
}

/** Start by a child workflow, as in histories before `NO_CHILDREN`. */
async function startRun(start: RunStart): Promise<void> {
  try {
    await startChild(sensorRun, {
      workflowId: start.workflowId,
      args: [start.input],
      typedSearchAttributes: start.searchAttributes,
      staticSummary: start.summary,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    });
  } catch (error) {
    // The same events had fired the same trigger before, which the id is there to detect.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
