/** Starts triggers of past runs again: for `sluice retrigger` and programs. */
import { sensorWorkflowId } from '../../contract/identity';
import { runRetriggerSignal } from '../../contract/run-messages';
import { retriggerUpdate, type RetriggerRequest } from '../../contract/sensor-messages';
import { SluiceError } from '../../errors/sluice-error';
import { APPLIED_KINDS } from '../applied-kinds';
import { askWorkflow, runUnknown, signalWorkflow } from '../ask-workflow';
import type { TemporalSession } from '../temporal-session';
import { didYouMean, listNames, objectUnknown } from '../unknown-object';
import { readFires } from './read-fires';
import { requireRun, type parseRunId } from './search-runs';

/** What to fire again, and who asks for it. */
export type FireAgain = Omit<RetriggerRequest, 'runId' | 'eventId'>;

/** The result of one request: the runs that were started or woken. */
export interface Retriggered {
  readonly of: string;
  readonly runs: readonly string[];
  /** Why there was nothing to do. */
  readonly skipped?: string;
  readonly problem?: string;
}

/** An event of one sensor. */
export interface FiredEvent {
  /** Its key or its short id. */
  readonly event: string;
  readonly sensor: string;
  /** Of the sensor. */
  readonly namespace: string;
}

const UPDATE_TIMEOUT_MS = 60_000;

/** Fires every run of a sensor that carries the event. Throws OBJECT_UNKNOWN, RETRIGGER_REFUSED, WORKER_MISSING. */
export async function retriggerEvent(
  session: TemporalSession,
  { event, sensor, namespace }: FiredEvent,
  request: FireAgain,
): Promise<Retriggered> {
  return { of: event, runs: await askSensor(session, namespace, sensor, { ...request, eventId: event }) };
}

/** A parked run is woken directly, which needs neither its sensor nor a running worker. */
export async function retriggerRun(
  session: TemporalSession,
  { id, namespace, sensor }: ReturnType<typeof parseRunId>,
  request: FireAgain,
): Promise<Retriggered> {
  const { state } = await requireRun(session, id);
  if (state !== 'Parked') {
    return { of: id, runs: await askSensor(session, namespace, sensor, { ...request, runId: id }) };
  }
  const { by, why, trigger, overrides } = request;
  const fireIds = trigger === undefined ? [undefined] : await parkedFires(session, id, trigger);
  for (const fireId of fireIds) {
    const wake = { by, why, ...(overrides && { overrides }), ...(fireId === undefined ? {} : { fireId }) };
    await signalWorkflow(session, id, runRetriggerSignal, [wake], () => runUnknown(id));
  }
  return { of: id, runs: [id] };
}

async function parkedFires(session: TemporalSession, id: string, trigger: string): Promise<readonly string[]> {
  const fires = (await readFires(session, id)) ?? [];
  const wanted = fires.filter((fire) => fire.state === 'Parked' && fire.trigger === trigger);
  if (wanted.length > 0) return wanted.map((fire) => fire.id);
  const parked = [...new Set(fires.filter(({ state }) => state === 'Parked').map((fire) => fire.trigger))];
  throw new SluiceError('RUN_UNKNOWN', {
    message: `${id} has no parked fire of trigger "${trigger}"`,
    fix: `${didYouMean(trigger, parked)}Triggers with parked fires: ${listNames(parked) || 'none'}; sluice runs show ${id} lists all`,
  });
}

async function askSensor(
  session: TemporalSession,
  namespace: string,
  name: string,
  request: RetriggerRequest,
): Promise<readonly string[]> {
  const unknown = () => objectUnknown(session, { kind: APPLIED_KINDS.Sensor, namespace, name });
  return await askWorkflow(
    session,
    sensorWorkflowId(namespace, name),
    unknown,
    (handle) => handle.executeUpdate(retriggerUpdate, { args: [request] }),
    UPDATE_TIMEOUT_MS,
  );
}
