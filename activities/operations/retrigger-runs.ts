/**
 * Starts requested fires again: wakes parked fires, and gives runs that have ended a successor. Without `again`, only
 * fires that did not succeed and were not started again before, so that a repeated request has no effect.
 */
import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { lateOutcomeOf, type DecisionRecord } from '../../src/records/decision-record';
import { isSluiceError, SluiceError, type ErrorCode } from '../../src/errors/sluice-error';
import { eventKey, type CloudEvent } from '../../src/event/cloud-event';
import { shortEventId, shortHash } from '../../src/event/short-id';
import { fireId } from '../../src/sandbox/run/fire-id';
import type { FireState } from '../../src/contract/fires';
import { sensorRunWorkflowId } from '../../src/contract/identity';
import type { SensorDefinition } from '../../src/contract/definitions';
import { discardSignal, firesQuery, runRetriggerSignal, type SensorRunInput } from '../../src/contract/run-messages';
import type { RetriggerRequest } from '../../src/contract/sensor-messages';
import { eventsOf, keysOf, loadFire, type Fire, type LoadedFire } from '../../src/contract/packed-fires';
import { createRunStart } from '../../src/contract/run-start';
import { explainTemporalFailure, toApplicationFailure } from '../worker/failures';
import { findRunsCarrying } from '../starting/find-runs';
import { readRunInput } from '../starting/read-run-input';
import { startRun } from '../starting/start-runs';
import type { BusPool } from '../worker/bus-pool';
import type { WorkerDependencies } from '../worker/worker-dependencies';
import { describeRequester } from '../../src/text/requester-name';

const MAX_RUNS = 1_000;
/** A run that is refused with one of these does not keep other runs from being started again. */
const REFUSALS_OF_ONE_RUN: ReadonlySet<ErrorCode> = new Set(['RETRIGGER_REFUSED', 'RUN_UNKNOWN', 'RUN_REFUSED']);
const AGAIN = 'Set "again": true (sluice retrigger --again) to fire it anyway';

export interface RetriggerActivities {
  sluiceRetrigger(definition: SensorDefinition, request: RetriggerRequest): Promise<readonly string[]>;
}

export function createRetriggerActivities({ buses }: Pick<WorkerDependencies, 'buses'>): RetriggerActivities {
  return {
    async sluiceRetrigger(definition, request) {
      const { client, info, cancellationSignal } = Context.current();
      // A retry of this activity is the same request.
      const requestId = `${info.workflowExecution?.runId ?? ''}/${info.activityId}`;
      const retrigger = new Retrigger(
        client,
        info.taskQueue,
        definition,
        request,
        requestId,
        buses,
        cancellationSignal,
      );
      try {
        if (request.runId !== undefined) return [await retrigger.run(request.runId)];
        if (request.eventId !== undefined) return await retrigger.event(request.eventId);
      } catch (error) {
        throw toApplicationFailure(explainTemporalFailure(error));
      }
      throw toApplicationFailure(
        new SluiceError('USAGE', {
          message: 'a retrigger names neither a run nor an event',
          fix: 'Send {"runId": "run/…"} or {"eventId": "<event key or short id>"} with "by" and "why"',
        }),
      );
    },
  };
}

class Retrigger {
  /** Trigger and events of the fires examined so far: an event's runs are those of its fires, and their successors. */
  private readonly seen = new Set<string>();

  constructor(
    private readonly client: Client,
    private readonly taskQueue: string,
    private readonly definition: SensorDefinition,
    private readonly request: RetriggerRequest,
    private readonly requestId: string,
    private readonly buses: BusPool,
    private readonly signal: AbortSignal,
  ) {}

  /** Examines every run that carries the event, newest first: a fire seen in one is skipped in older ones. */
  async event(eventId: string): Promise<readonly string[]> {
    const startedAt = new Map<string, number>();
    for await (const run of findRunsCarrying(this.client, this.definition, [eventId])) {
      startedAt.set(run.workflowId, run.startTime.getTime());
      if (startedAt.size >= MAX_RUNS) break;
    }
    const answers: string[] = [];
    const refusals: SluiceError[] = [];
    for (const [runId] of [...startedAt].sort(([, a], [, b]) => b - a)) {
      try {
        answers.push(await this.run(runId));
      } catch (thrown) {
        const error = explainTemporalFailure(thrown);
        if (!isSluiceError(error) || !REFUSALS_OF_ONE_RUN.has(error.code)) throw error;
        refusals.push(error);
      }
    }
    if (answers.length > 0) return answers;
    const refused = refusals.find(({ code }) => code !== 'RUN_UNKNOWN') ?? refusals[0];
    if (refused !== undefined) throw refused;
    throw new SluiceError('RUN_UNKNOWN', {
      message: `no run of sensor ${this.ownName} carries event ${eventId}`,
      fix: 'See `sluice explain EVENT_ID`; an event that never fired can be replayed with `sluice replay`',
    });
  }

  /** Returns the run that was woken or started. */
  async run(runId: string): Promise<string> {
    const { again = false } = this.request;
    const { isOpen, state } = await this.look(runId);
    const input = await readRunInput(this.client, runId);
    const wanted = this.selectFires(runId, input);
    if (isOpen) {
      const states = await this.fireStates(runId);
      const parked = wanted.filter(({ id }) => states.get(id) === 'Parked');
      if (parked.length > 0 && !again) return await this.wake(runId, parked);
      if (!again) throw refuse(`run ${runId} has not ended, it is ${state}`);
      const successor = await this.startSuccessor(runId, input, wanted);
      await this.discardParked(runId, parked, successor);
      return successor;
    }
    if (again) return await this.startSuccessor(runId, input, wanted);
    const states = await this.fireStates(runId);
    const unsuccessful = wanted.filter(({ id }) => states.get(id) !== 'Succeeded');
    if (unsuccessful.length === 0) throw refuse(`the requested fires of run ${runId} have succeeded`);
    const undone = await this.withoutLateSuccess(runId, input, unsuccessful);
    if (undone.length === 0) {
      throw refuse(
        `the requested fires of run ${runId} have succeeded: their Workflow was continued after the run had ended`,
      );
    }
    return await this.startSuccessor(runId, input, undone);
  }

  /** `argo retry` continues a Workflow whose run has ended as Failed: to fire it again would do the work twice. */
  private async withoutLateSuccess(
    runId: string,
    { events }: SensorRunInput,
    fires: readonly Fire[],
  ): Promise<readonly Fire[]> {
    const { namespace, name: owner, bus } = this.definition;
    const records = await this.buses.use(bus, this.signal, async (open) => {
      const read: DecisionRecord[] = [];
      for (const fire of fires) {
        const [event] = eventsOf(fire, events);
        if (event === undefined) continue;
        const filter = { namespace, owner, ownerKind: 'sensor', decision: 'fired', event: eventKey(event) } as const;
        for await (const record of open.readDecisions(filter)) read.push(record);
      }
      return read;
    });
    return fires.filter(({ id }) => lateOutcomeOf(records, runId, id)?.phase !== 'Succeeded');
  }

  private get ownName(): string {
    return `${this.definition.namespace}/${this.definition.name}`;
  }

  private async look(runId: string): Promise<{ readonly isOpen: boolean; readonly state: string }> {
    if (!runId.startsWith(sensorRunWorkflowId(this.definition.namespace, this.definition.name, ''))) {
      throw new SluiceError('RUN_UNKNOWN', {
        message: `${runId} is not a run of sensor ${this.ownName}`,
        fix: 'Its sensor is in its name: run/<namespace>/<sensor>/<key>; see `sluice runs list`',
      });
    }
    try {
      const { status, searchAttributes } = await this.client.workflow.getHandle(runId).describe();
      return { isOpen: status.name === 'RUNNING', state: String(searchAttributes['SluiceState']?.[0] ?? 'Firing') };
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      const fix = 'See `sluice runs list`';
      throw new SluiceError('RUN_UNKNOWN', { message: `unknown run ${runId}`, fix, cause: error });
    }
  }

  private async fireStates(runId: string): Promise<ReadonlyMap<string, FireState>> {
    const fires = await this.client.workflow.getHandle(runId).query(firesQuery);
    return new Map(fires.map(({ id, state }) => [id, state]));
  }

  private selectFires(runId: string, input: SensorRunInput): readonly Fire[] {
    const { trigger, eventId } = this.request;
    const wanted = input.fires.filter((fire) => {
      if (trigger !== undefined && fire.trigger !== trigger) return false;
      if (eventId !== undefined && !carries(fire, input.events, eventId)) return false;
      const what = fireId(this.definition, fire.trigger, keysOf(loadFire(fire, input.events)));
      return !this.seen.has(what) && this.seen.add(what);
    });
    if (wanted.length > 0) return wanted;
    const of = [trigger && `of trigger ${trigger}`, eventId && `with event ${eventId}`].filter(Boolean).join(' ');
    const triggers = [...new Set(input.fires.map((fire) => fire.trigger))].join(', ');
    const fix = `It fires ${triggers}; see \`sluice runs show ${runId}\``;
    throw new SluiceError('RUN_UNKNOWN', { message: `run ${runId} has no fire ${of}`, fix });
  }

  private async wake(runId: string, fires: readonly Fire[]): Promise<string> {
    const { by, why, trigger, eventId, overrides } = this.request;
    const selections = eventId === undefined ? [{ trigger }] : fires.map(({ id }) => ({ fireId: id }));
    for (const selection of selections) {
      const signal = { by, why, ...selection, ...(overrides && { overrides }) };
      await this.client.workflow.getHandle(runId).signal(runRetriggerSignal, signal);
    }
    return runId;
  }

  /** Fires that a successor fires again, with an object of their own, must not stay parked here. */
  private async discardParked(runId: string, fires: readonly Fire[], successor: string): Promise<void> {
    const { by, why } = this.request;
    for (const { id } of fires) {
      const request = { by, why: `${why} (fired again as ${successor})`, fireId: id };
      await this.client.workflow.getHandle(runId).signal(discardSignal, request);
    }
  }

  /** The successor's id is derived from its fires, so that the same fires cannot be started again by accident. */
  private async startSuccessor(runId: string, input: SensorRunInput, wanted: readonly Fire[]): Promise<string> {
    const { by, why, overrides, again } = this.request;
    if (input.contentMissing !== undefined) {
      throw new SluiceError('SENSOR_EVENTS_GONE', {
        message: `run ${runId} does not have the content of its events: ${input.parkedBecause ?? ''}`,
        fix: 'Replay the events with `sluice replay --again` while the bus keeps them',
      });
    }
    const present = new Set(this.definition.spec.triggers.map(({ template }) => template.name));
    const fires = wanted.filter(({ trigger }) => present.has(trigger));
    if (fires.length === 0) {
      throw new SluiceError('SENSOR_UNKNOWN', {
        message: `sensor ${this.ownName} no longer has the trigger ${wanted[0]?.trigger ?? ''}`,
        fix: 'Apply a version of the sensor that has it',
      });
    }
    const what = again ? this.requestId : JSON.stringify([fires.map(({ id }) => id).sort(), overrides ?? {}]);
    const key = `${runId.split('/').slice(3).join('/')}~again-${shortHash(what, 8)}`;
    const loaded = fires.map((fire): LoadedFire => {
      // The ticket was for the first fire alone.
      const { ticket: _returned, ...again } = loadFire(fire, input.events);
      // A new id makes the trigger act again, instead of finding its own earlier object.
      return { ...again, id: fireId(this.definition, fire.trigger, keysOf(again), key) };
    });
    const retriggerOf = { runId, by, why, ...(overrides && { overrides }), request: this.requestId };
    const start = createRunStart(this.definition, loaded, { key, retriggerOf });
    if (!(await startRun(this.client.workflow, this.taskQueue, start))) await this.requireOwn(start.workflowId, runId);
    return start.workflowId;
  }

  /** An existing successor is accepted only if an earlier attempt of this request started it. */
  private async requireOwn(successor: string, runId: string): Promise<void> {
    const { retriggerOf } = await readRunInput(this.client, successor);
    if (retriggerOf?.request === this.requestId) return;
    const { by = '', why = '' } = retriggerOf ?? {};
    throw refuse(`run ${runId} was retriggered already by ${describeRequester(by)} (${why}), as ${successor}`);
  }
}

function refuse(message: string): SluiceError {
  return new SluiceError('RETRIGGER_REFUSED', { message, fix: AGAIN });
}

function carries(fire: Fire, events: readonly CloudEvent[], eventId: string): boolean {
  return eventsOf(fire, events).some((event) => {
    const key = eventKey(event);
    return key === eventId || event.id === eventId || shortEventId(key) === eventId;
  });
}
