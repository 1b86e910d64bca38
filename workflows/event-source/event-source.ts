/**
 * One EventSource: keeps a reading activity alive for each of its events.
 *
 * Temporal replaces the leader election of Argo Events: exactly one attempt of a relay is active, and when its worker
 * stops, the next one takes over at the read position in the heartbeat.
 */
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { EventSourceActivities } from '../../src/contract/activities';
import { isSupportedSource, unreadFate } from '../../src/kinds/source-kinds';
import { listEvents, type SourceEvent } from '../../src/contract/source-events';
import { addRefusal, missingRequester } from '../../src/contract/operator-request';
import { describeEventSource } from './event-source-details';
import { ignoreCancellation } from '../lifecycle/ignore-cancellation';
import { CANCELLATION_IGNORED, Lifetime } from '../lifecycle/lifetime';
import { isBacklogReport, requireDefinition } from '../lifecycle/signal-guards';
import {
  backlogReportSignal,
  configureEventSourceUpdate,
  eventSourceDefinitionQuery,
  eventSourceStatusQuery,
  type EventSourceStatus,
  type EventSourceStart,
} from '../../src/contract/event-source-messages';
import { deleteSignal, pauseSignal, resumeSignal } from '../../src/contract/lifecycle-messages';
import type { RequestedBy } from '../../src/contract/requester';

const RETRIES_FAILED_EVENTS = 'retries-failed-events';

type Paused = RequestedBy & { readonly since: string };
type EventState = EventSourceStatus['events'][number];

const LONG_RUNNING: ActivityOptions = {
  startToCloseTimeout: '3650d',
  // Workers send heartbeats twice a second (HEARTBEAT_THROTTLE): after a crash, the next one reads within this time.
  heartbeatTimeout: '5s',
  // Each worker that hands over or dies counts as an attempt, so an old source always waits the maximum interval.
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '3s' },
};
/** An operator may have fixed the cause of a permanent failure: a right, a password, an address. */
const FIRST_RETRY_MS = 15_000;
const LONGEST_RETRY_MS = 5 * 60_000;

export interface EventSourceInput extends EventSourceStart {
  /** Carried over by continue-as-new. */
  readonly carried?: {
    readonly appliedAt: string;
    readonly paused?: Paused;
    readonly refusals?: readonly string[];
    /** Event name → the problem that an operator must fix before the event is read again. */
    readonly failures?: Readonly<Record<string, string>>;
  };
}

export async function eventSource(input: EventSourceInput): Promise<void> {
  let definition = input.definition;
  let paused = input.carried?.paused;
  const appliedAt = input.carried?.appliedAt ?? new Date().toISOString();
  const states = new Map<string, EventState>();
  let refusals = input.carried?.refusals ?? [];
  let failures = input.carried?.failures ?? {};
  /** Incremented by everything that means: stop reading, determine again which events to read. */
  let revision = 0;

  const status = (): EventSourceStatus => ({
    namespace: definition.namespace,
    name: definition.name,
    ...(paused && { paused }),
    events: [...states.values()],
    appliedAt,
    ...(refusals.length > 0 && { refusals }),
  });
  const show = (): void => setCurrentDetails(describeEventSource(definition, status(), workflowInfo().namespace));

  /** Signals cannot return errors, so a rejected one is shown in the details and ignored. */
  const isRefused = (what: string, refusal: string | undefined): boolean => {
    if (refusal === undefined) return false;
    refusals = addRefusal(refusals, `${what}: ${refusal}`, Date.now());
    show();
    return true;
  };

  setHandler(eventSourceDefinitionQuery, () => definition, { description: 'The EventSource as it is applied' });
  setHandler(
    configureEventSourceUpdate,
    (next) => {
      const hasFailed = [...states.values()].some(({ state }) => state === 'Failed');
      // Re-applying an unchanged spec after a failure means that its cause was fixed elsewhere: restart.
      if (JSON.stringify(next) === JSON.stringify(definition) && !hasFailed) return;
      definition = next;
      revision += 1;
    },
    { description: 'Sent by `sluice apply`', validator: (next) => requireDefinition(next, definition) },
  );
  setHandler(
    pauseSignal,
    (request) => {
      if (isRefused('pause', missingRequester(request))) return;
      paused ??= { ...request, since: new Date().toISOString() };
      revision += 1;
    },
    { description: 'Stop reading; what waits outside waits: {"by": "…", "why": "…"}' },
  );
  setHandler(
    resumeSignal,
    (request) => {
      if (isRefused('resume', missingRequester(request))) return;
      paused = undefined;
      revision += 1;
    },
    { description: 'Read on: {"by": "…", "why": "…"}' },
  );
  const life = new Lifetime(() => {
    refusals = addRefusal(refusals, CANCELLATION_IGNORED, Date.now());
    show();
  });
  setHandler(
    deleteSignal,
    (request) => {
      if (!isRefused('delete', missingRequester(request))) life.delete();
    },
    { description: 'Sent by `sluice delete`: stop reading and end: {"by": "…", "why": "…"}' },
  );
  setHandler(eventSourceStatusQuery, status, { description: 'What is read, what is paused, what is wrong' });

  setHandler(
    backlogReportSignal,
    (report) => {
      if (isRefused('backlog', isBacklogReport(report) ? undefined : 'it is not what workers send')) return;
      const { eventName, backlog } = report;
      const event = states.get(eventName);
      // The source may have been resumed since this was sent.
      if (event?.state !== 'Paused') return;
      states.set(eventName, { ...event, backlog });
      show();
    },
    { description: 'Sent while it is paused: what has come together outside' },
  );

  async function relay({ name, kind, problem }: SourceEvent & { readonly problem?: string }): Promise<void> {
    const { relayEvents } = relayActivities({ name, kind });
    const event = { name, kind };
    let pauseMs = FIRST_RETRY_MS;
    if (problem !== undefined) await sleep(pauseMs, { summary: `before reading ${name} again` });
    for (;;) {
      const startedAt = Date.now();
      states.set(name, { ...event, state: 'Reading' });
      show();
      try {
        await relayEvents({ definition, kind, eventName: name });
      } catch (error) {
        if (isCancellation(error)) return;
        states.set(name, { ...event, state: 'Failed', problem: readProblem(error) });
        show();
      }
      if (!patched(RETRIES_FAILED_EVENTS)) return await CancellationScope.current().cancelRequested;
      if (Date.now() - startedAt > LONGEST_RETRY_MS) pauseMs = FIRST_RETRY_MS;
      await sleep(pauseMs, { summary: `before reading ${name} again` });
      pauseMs = Math.min(2 * pauseMs, LONGEST_RETRY_MS);
    }
  }

  /** Failures need no handling here: the activity is retried, and nothing depends on it. */
  async function watchBacklog(event: SourceEvent): Promise<void> {
    const { sluiceWatchBacklog } = proxyActivities<EventSourceActivities>({
      ...LONG_RUNNING,
      // Reading may begin before the activity has stopped.
      cancellationType: ActivityCancellationType.TRY_CANCEL,
      summary: `what waits in ${event.kind} ${event.name}`,
    });
    await sluiceWatchBacklog({ definition, kind: event.kind, eventName: event.name });
  }

  const read = async (): Promise<void> => {
    for (;;) {
      const seen = revision;
      states.clear();
      for (const event of listEvents(definition.spec)) states.set(event.name, begin(event, paused, failures));
      show();
      const reading = new CancellationScope();
      const relays = reading.run(async () => {
        await Promise.all(
          [...states.values()].map(({ name, kind, state, problem }) => {
            if (state === 'Reading') return relay({ name, kind });
            if (state === 'Failed' && patched(RETRIES_FAILED_EVENTS)) return relay({ name, kind, problem });
            if (state === 'Paused' && unreadFate(kind) === 'wait') return watchBacklog({ name, kind });
            return Promise.resolve();
          }),
        );
      });
      try {
        await condition(() => revision !== seen || workflowInfo().continueAsNewSuggested);
      } finally {
        // The next readers must not overlap with these: wait until they have stopped.
        reading.cancel();
        await CancellationScope.nonCancellable(() => relays.catch(ignoreCancellation));
      }
      await life.requireAlive();
      // A pause, a resume or an apply requests a retry of whatever has failed.
      failures = revision === seen ? failuresOf([...states.values()]) : {};
      if (workflowInfo().continueAsNewSuggested) {
        const carried = {
          appliedAt,
          ...(paused && { paused }),
          ...(refusals.length > 0 && { refusals }),
          failures,
        };
        await continueAsNew<typeof eventSource>({ definition, carried });
      }
    }
  };

  try {
    await life.run(read);
  } catch (error) {
    if (!isCancellation(error) || !life.isDeleted) throw error;
  }
}

function begin(event: SourceEvent, paused: Paused | undefined, failures: Readonly<Record<string, string>>): EventState {
  if (!isSupportedSource(event.kind)) return { ...event, state: 'NotSupported' };
  if (paused) return { ...event, state: 'Paused' };
  const problem = failures[event.name];
  return problem === undefined ? { ...event, state: 'Reading' } : { ...event, state: 'Failed', problem };
}

function failuresOf(events: readonly EventState[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    events.flatMap(({ name, state, problem = '' }) => (state === 'Failed' ? [[name, problem]] : [])),
  );
}

function relayActivities(event: SourceEvent): { relayEvents: EventSourceActivities['sluiceRelayEvents'] } {
  const { sluiceRelayEvents } = proxyActivities<EventSourceActivities>({
    ...LONG_RUNNING,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: `${event.kind} ${event.name} → bus`,
  });
  return { relayEvents: sluiceRelayEvents };
}

function readProblem(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) return `${cause.type ?? 'error'}: ${cause.message}`;
  return cause instanceof Error ? cause.message : String(cause);
}
