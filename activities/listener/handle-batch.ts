/** Handles a batch of events from the bus: decides, starts runs, signals the sensor. Events fail separately. */
import type { Client } from '@temporalio/client';
import type { ArgoPosition } from '../../src/bus/argo-positions';
import type { BusMessage } from '../../src/bus/bus';
import { eventKey } from '../../src/event/cloud-event';
import type { SensorPlan } from '../../src/sandbox/sensor/sensor-plan';
import type { SensorDefinition } from '../../src/contract/definitions';
import { decideEach } from './decide-each';
import { describeIncoming, type EventDecision } from './decide-fires';
import { isInHand, type NotedAttempt } from './attempt-notes';
import type { BegunAttempt } from './attempt-runner';
import type { FireClaim, FiresInHand } from './fires-in-hand';
import { withAttempts, type FirstAttempts } from './first-attempts';
import type { DirectFire } from '../starting/direct-fire';
import { firesByPriority } from '../starting/fires-by-priority';
import { planRuns } from '../starting/group-into-runs';
import { settleEvent, type HandledEvent } from './settle-event';
import { findStartedFires, startedFireKey, startPlanned, type FireStart } from '../starting/start-runs';
import { observeEvents } from './observe-events';
import { skipHandledByArgo } from './skip-handled-by-argo';
import { boundPriority } from '../worker/priority-bound';
import type { WorkerDependencies } from '../worker/worker-dependencies';

/** Temporal rejects more than 2 MB; the trigger's template and the overhead of JSON need some of it. */
const MAX_EVENT_BYTES = 1_500_000;

const IN_OTHER_HANDS = 'another worker is making the first attempt for a copy of this event';

export interface PostponedEvent {
  readonly message: BusMessage;
  /** No event can be handled now; otherwise only this event failed. */
  readonly isOutage: boolean;
  readonly error: unknown;
}

export interface HandledBatch {
  readonly handled: ReadonlyArray<{ readonly message: BusMessage; readonly event: HandledEvent }>;
  readonly postponed: readonly PostponedEvent[];
}

interface Pending {
  readonly message: BusMessage;
  readonly decision: EventDecision;
}

/** What came of earlier deliveries of the events of a batch. */
interface EarlierDeliveries {
  /** Fires whose event was delivered before. */
  readonly deliveredAgain: ReadonlySet<string>;
  /** Fires that another worker began, and did not record, by fire id. */
  readonly lost: ReadonlyMap<string, NotedAttempt>;
}

interface LookedUp extends Pick<EarlierDeliveries, 'lost'> {
  readonly pending: readonly Pending[];
  /** `startedFireKey` → run. */
  readonly known: ReadonlyMap<string, string>;
}

export class BatchHandler {
  constructor(
    private readonly definition: SensorDefinition,
    private readonly plan: SensorPlan,
    private readonly client: Client,
    private readonly taskQueue: string,
    private readonly firstAttempts: FirstAttempts,
    private readonly inHand: FiresInHand,
    private readonly dependencies: Pick<WorkerDependencies, 'engine' | 'fireLoad'>,
  ) {}

  /**
   * Never throws because of a single event, and neither acks nor naks. `handledByArgo`: what is left out, see
   * BusListener.
   */
  async handle(
    messages: readonly BusMessage[],
    handledByArgo: readonly ArgoPosition[],
    signal: AbortSignal,
  ): Promise<HandledBatch> {
    const claim = this.inHand.claim();
    try {
      return await this.handleClaimed(messages, handledByArgo, claim, signal);
    } finally {
      claim.release();
    }
  }

  private async handleClaimed(
    messages: readonly BusMessage[],
    handledByArgo: readonly ArgoPosition[],
    claim: FireClaim,
    signal: AbortSignal,
  ): Promise<HandledBatch> {
    const { definition, client } = this;
    const postponed: PostponedEvent[] = [];
    const all = await this.decide(messages, postponed);
    const decided =
      handledByArgo.length === 0
        ? all
        : all.map(({ message, decision }) => ({
            message,
            decision: skipHandledByArgo(definition, this.plan, decision, message, handledByArgo),
          }));
    const { pending, known, lost } = await this.lookUp(this.claimFires(decided, claim, postponed), postponed);
    const { starts, repeated, startable } = separateFires(pending, known);
    for (const [id, start] of starts) if (start.kind === 'known') this.firstAttempts.carried(id, start.runId);
    const [started, deliveries] = await Promise.all([
      this.start(startable, { deliveredAgain: firesDeliveredAgain(pending), lost }, signal),
      observeEvents(
        client.workflow,
        definition,
        pending.flatMap(({ decision }) => decision.observations),
      ),
    ]);
    for (const [id, start] of started) starts.set(id, start);
    const handled: Array<HandledBatch['handled'][number]> = [];
    for (const { message, decision } of pending) {
      const isDeliveredAgain = message.deliveryCount > 1;
      const settled = settleEvent(definition, decision, { starts, deliveries, isDeliveredAgain, repeated });
      if (settled.kind === 'handled') handled.push({ message, event: settled.event });
      else postponed.push({ message, isOutage: settled.isOutage, error: settled.error });
    }
    return { handled, postponed };
  }

  /** The most urgent fires first. Returns the starts by fire id. */
  private async start(
    fires: readonly DirectFire[],
    earlier: EarlierDeliveries,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FireStart>> {
    const starts = new Map<string, FireStart>();
    for (const { priority, fires: together } of firesByPriority(fires)) {
      for (const [id, start] of await this.startTogether(together, priority, earlier, signal)) {
        starts.set(id, start);
      }
    }
    return starts;
  }

  /** Makes first attempts, then starts the runs. */
  private async startTogether(
    fires: readonly DirectFire[],
    priority: number,
    { deliveredAgain, lost }: EarlierDeliveries,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FireStart>> {
    const { definition, client, taskQueue, firstAttempts } = this;
    const { fireLoad } = this.dependencies;
    const runs = planRuns(definition, fires);
    await fireLoad.start(
      definition,
      fires.map(({ id }) => id),
      signal,
      boundPriority(priority),
    );
    const batch = await firstAttempts.make(runs, (id) => deliveredAgain.has(id), lost, signal);
    const { attempts, held } = batch;
    const unmade = fires.flatMap(({ id }) => (attempts.has(id) ? [] : [id]));
    fireLoad.started(definition, unmade, boundPriority(priority));
    const startable = runs.filter((run) => !run.fires.some(({ id }) => held.has(id)));
    const started = await startPlanned(client.workflow, taskQueue, definition, startable, (run) =>
      withAttempts(run, attempts, client.options.identity ?? ''),
    );
    await firstAttempts.recorded(batch, started);
    const starts = new Map(started);
    for (const id of held) starts.set(id, { kind: 'postponed', isOutage: false, error: new Error(IN_OTHER_HANDS) });
    for (const [id, start] of starts)
      if (start.kind !== 'started' && !isCalling(attempts.get(id))) fireLoad.finished([id]);
    return starts;
  }

  private async decide(messages: readonly BusMessage[], postponed: PostponedEvent[]): Promise<Pending[]> {
    const [startable, oversized] = separateOversized(messages);
    const pending: Pending[] = oversized.map((message) => ({ message, decision: this.refuseOversized(message) }));
    const decided = await decideEach(this.definition, this.plan, startable, this.dependencies.engine);
    for (const [index, message] of startable.entries()) {
      const item = decided[index];
      if (item?.kind === 'decided') pending.push({ message, decision: item.decision });
      else if (item !== undefined) postponed.push({ message, isOutage: item.isOutage, error: item.error });
    }
    return pending;
  }

  /** Leaves out events of which another batch has a copy whose attempt nothing makes harmless to repeat. */
  private claimFires(decided: readonly Pending[], claim: FireClaim, postponed: PostponedEvent[]): readonly Pending[] {
    return decided.filter(({ message, decision }) => {
      const noted = decision.fires.filter((fire) => this.firstAttempts.isNoted(fire)).map(({ id }) => id);
      if (claim.take(noted)) return true;
      postponed.push({ message, isOutage: false, error: new Error('another copy of this event is being handled') });
      return false;
    });
  }

  /** Finds the fires that an earlier pull handed to a run, or began. Queries only for redelivered events. */
  private async lookUp(decided: readonly Pending[], postponed: PostponedEvent[]): Promise<LookedUp> {
    const isAgain = ({ message, decision }: Pending): boolean => message.deliveryCount > 1 && decision.fires.length > 0;
    const again = decided.filter(isAgain);
    if (again.length === 0) return { pending: decided, known: new Map(), lost: new Map() };
    const fires = again.flatMap(({ decision }) => decision.fires);
    const keys = fires.map(({ event }) => eventKey(event));
    const noted = fires.filter((fire) => this.firstAttempts.isNoted(fire)).map(({ id }) => id);
    try {
      const [known, lost] = await Promise.all([
        findStartedFires(this.client, this.definition, [...new Set(keys)]),
        this.firstAttempts.begunElsewhere(noted),
      ]);
      const now = Date.now();
      const isHeld = (item: Pending): boolean =>
        item.decision.fires.some(({ id, event, trigger }) => {
          const note = lost.get(id);
          return note !== undefined && isInHand(note, now) && !known.has(startedFireKey(eventKey(event), trigger));
        });
      const held = again.filter(isHeld);
      for (const { message } of held) postponed.push({ message, isOutage: false, error: new Error(IN_OTHER_HANDS) });
      return { pending: decided.filter((item) => !held.includes(item)), known, lost };
    } catch (error) {
      // First deliveries need no lookup, and continue.
      for (const { message } of again) postponed.push({ message, isOutage: true, error });
      return { pending: decided.filter((item) => !isAgain(item)), known: new Map(), lost: new Map() };
    }
  }

  private refuseOversized(message: BusMessage): EventDecision {
    const record = {
      ...describeIncoming(this.definition, message, Date.now()),
      decision: 'failed' as const,
      code: 'BUS_EVENT_TOO_LARGE',
      reason: `the event is larger than ${MAX_EVENT_BYTES} bytes, more than a run can carry`,
    };
    return { incoming: message, fires: [], observations: [], records: [record] };
  }
}

function isCalling(attempt: BegunAttempt | undefined): boolean {
  return attempt !== undefined && 'call' in attempt;
}

/** `repeated`: further copies of an event that was published twice and pulled together; only the first is started. */
function separateFires(
  pending: readonly Pending[],
  known: ReadonlyMap<string, string>,
): {
  readonly starts: Map<string, FireStart>;
  readonly repeated: ReadonlySet<DirectFire>;
  readonly startable: readonly DirectFire[];
} {
  const starts = new Map<string, FireStart>();
  const repeated = new Set<DirectFire>();
  const startable = new Map<string, DirectFire>();
  for (const fire of pending.flatMap(({ decision }) => decision.fires)) {
    const runId = known.get(startedFireKey(eventKey(fire.event), fire.trigger));
    if (startable.has(fire.id) || starts.has(fire.id)) repeated.add(fire);
    else if (runId === undefined) startable.set(fire.id, fire);
    else starts.set(fire.id, { kind: 'known', runId });
  }
  return { starts, repeated, startable: [...startable.values()] };
}

/** Includes fires with one new and one redelivered copy of their event. */
function firesDeliveredAgain(pending: readonly Pending[]): ReadonlySet<string> {
  const again = pending.filter(({ message }) => message.deliveryCount > 1);
  return new Set(again.flatMap(({ decision }) => decision.fires.map(({ id }) => id)));
}

/** Measures only messages that the bus reports as large, so the common case stays cheap. */
function separateOversized(messages: readonly BusMessage[]): [BusMessage[], BusMessage[]] {
  const startable: BusMessage[] = [];
  const oversized: BusMessage[] = [];
  for (const message of messages) (isOversized(message) ? oversized : startable).push(message);
  return [startable, oversized];
}

function isOversized({ event, bytes }: BusMessage): boolean {
  // Encoded data grows at most sixfold when it is written as text.
  return event !== undefined && bytes * 6 > MAX_EVENT_BYTES && JSON.stringify(event).length > MAX_EVENT_BYTES;
}
