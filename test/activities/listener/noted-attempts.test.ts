/** Workers of one sensor with copies of one event. Temporal and the target are faked: who is asked when is the point. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import pino from 'pino';
import type { Firing } from '../../../activities/firing/firing';
import { AttemptNotes, type BegunFires } from '../../../activities/listener/attempt-notes';
import { CallsUnderWay } from '../../../activities/listener/calls-under-way';
import { FirstAttempts, type BegunBatch } from '../../../activities/listener/first-attempts';
import { UnrecordedAttempts } from '../../../activities/listener/unrecorded-attempts';
import { planRuns, type PlannedRun } from '../../../activities/starting/group-into-runs';
import type { FireStart } from '../../../activities/starting/start-runs';
import { FireLoad } from '../../../activities/worker/fire-load';
import type { Bus } from '../../../src/bus/bus';
import type { SensorDefinition } from '../../../src/contract/definitions';
import { parseSensor } from '../../../src/validation/parse-manifest';
import { cloudEvent } from '../../setup/cloud-event';
import { eventually } from '../../setup/eventually';

const A_WHILE_AGO = new Date(Date.now() - 60_000).toISOString();
const NOT_ABORTED = new AbortController().signal;
const once = (): boolean => false;
const again = (): boolean => true;

function sensor(): SensorDefinition {
  const { object, options } = parseSensor({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Sensor',
    metadata: { name: 'water', namespace: 'eo' },
    spec: {
      dependencies: [{ name: 'a', eventSourceName: 'stac', eventName: 'scenes' }],
      triggers: [{ template: { name: 't', http: { url: 'http://target' } } }],
    },
  });
  const bus = { namespace: 'eo', name: 'default', spec: { jetstreamExotic: { url: 'nats://nats:4222' } } };
  return { namespace: 'eo', name: 'water', spec: object.spec, options, bus };
}

/** The value that all workers share, in memory. */
class SharedNote {
  value: unknown;

  readonly bus: Pick<Bus, 'readShared' | 'updateShared'> = {
    readShared: <Value>() => Promise.resolve(this.value as Value | undefined),
    updateShared: <Value>(_bucket: string, _key: string, change: (before: Value | undefined) => Value | undefined) => {
      this.value = change(this.value as Value | undefined);
      return Promise.resolve(this.value as Value);
    },
  };
}

describe('a worker that may have to call', () => {
  const definition = sensor();
  const runs: readonly PlannedRun[] = planRuns(definition, [
    { id: 'f', trigger: 't', dependency: 'a', event: cloudEvent(), priority: 3 },
  ]);
  let note: SharedNote;
  /** What the workers did, in order. */
  let did: string[];
  let told: string[];

  beforeEach(() => {
    note = new SharedNote();
    [did, told] = [[], []];
  });

  const answering: Firing['attempt'] = (request, index) =>
    Promise.resolve({ fireId: request.fires[index]?.id ?? '', result: { kind: 'response', summary: 'answered 200' } });

  function worker(name: string, begun: BegunFires = new Map(), attempt = answering) {
    const unrecorded = new UnrecordedAttempts();
    const calls = new CallsUnderWay(unrecorded, pino({ level: 'silent' }));
    const describe = (): Promise<never> => {
      did.push(`${name} looks for the run`);
      return Promise.reject(new WorkflowNotFoundError('none', 'run', undefined));
    };
    const signal = (): Promise<void> => {
      told.push(name);
      return Promise.resolve();
    };
    const client = {
      withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(),
      workflow: { getHandle: () => ({ describe, signal }) },
    } as unknown as Client;
    const firing: Firing = {
      fire: () => Promise.reject(new Error('not in this test')),
      attempt: (...request) => {
        did.push(`${name} calls`);
        return attempt(...request);
      },
      close: () => Promise.resolve(),
    };
    const notes = new AttemptNotes(note.bus, definition, { process: name, name, begun });
    const options = { definition, client, firing, unrecorded, calls, notes, fireLoad: new FireLoad() };
    return { attempts: new FirstAttempts(options), unrecorded, calls };
  }

  const make = (attempts: FirstAttempts, isDeliveredAgain = once): Promise<BegunBatch> =>
    attempts.make(runs, isDeliveredAgain, new Map(), NOT_ABORTED);
  const all = (start: FireStart): ReadonlyMap<string, FireStart> => new Map([['f', start]]);
  const away: FireStart = { kind: 'postponed', isOutage: true, error: new Error('unavailable') };

  it('leaves a copy alone while another worker makes the attempt, which knows what came of it', async () => {
    const [first, second] = [worker('first'), worker('second')];
    await make(first.attempts);
    const batch = await make(second.attempts);
    expect([...batch.held]).toEqual(['f']);
    expect(batch.attempts).toEqual(new Map());
    await second.attempts.recorded(batch, new Map());
    expect(note.value).toMatchObject({ first: { fires: ['f'] } });
    expect(note.value).not.toHaveProperty('second');
    expect(did.filter((what) => what.endsWith('calls'))).toEqual(['first calls']);
  });

  it('takes the attempt of a worker for lost that has not been heard of for a while', async () => {
    note.value = { dead: { worker: 'dead', at: A_WHILE_AGO, fires: ['f'] } };
    const { attempts, held } = await make(worker('second').attempts);
    expect(held.size).toBe(0);
    expect(attempts.get('f')).toMatchObject({
      attempt: { failure: { message: expect.stringMatching(/worker dead began/) as string } },
    });
    expect(did).toEqual([]);
  });

  it('does not call if it was suspended, and another worker has got the event again meanwhile', async () => {
    const suspended = worker('suspended');
    const other = worker('other');
    const update = note.bus.updateShared;
    let late: BegunBatch | undefined;
    // The other one starts the run of the redelivered event in the moment before the first writes its note.
    Object.assign(note.bus, {
      updateShared: async (...request: Parameters<typeof update>) => {
        Object.assign(note.bus, { updateShared: update });
        late = await make(other.attempts, again);
        return await update(...request);
      },
    });
    const batch = await make(suspended.attempts);
    expect(late?.attempts).toEqual(new Map());
    expect([...batch.held]).toEqual(['f']);
    expect(did).toEqual([]);
  });

  it('looks for the run only when others see its note, so that none starts it unseen', async () => {
    const update = note.bus.updateShared;
    Object.assign(note.bus, {
      updateShared: async (...request: Parameters<typeof update>) => {
        did.push('the bus stores the note');
        return await update(...request);
      },
    });
    await make(worker('first').attempts);
    expect(did).toEqual(['the bus stores the note', 'first looks for the run', 'first calls']);
  });

  it('does not call again for what it has noted and forgotten', async () => {
    const begun: BegunFires = new Map();
    const before = worker('same', begun);
    await before.attempts.recorded(await make(before.attempts), all(away));
    const { attempts } = await make(worker('same', begun).attempts, again);
    expect(attempts.get('f')).toMatchObject({
      attempt: { failure: { message: expect.stringMatching(/worker same began/) as string } },
    });
    expect(did.filter((what) => what.endsWith('calls'))).toEqual(['same calls']);
  });

  it('tells a run that Temporal had accepted, whose acceptance it had not heard of', async () => {
    const { attempts, unrecorded } = worker('first');
    await attempts.recorded(await make(attempts), all(away));
    await attempts.recorded(await make(attempts, again), all({ kind: 'known', runId: 'run' }));
    await eventually(() => told.length === 1);
    expect(unrecorded.get('f')).toBeUndefined();
  });

  it('tells it also if visibility finds that run first', async () => {
    const { attempts, unrecorded } = worker('first');
    await attempts.recorded(await make(attempts), all(away));
    attempts.carried('f', 'run');
    await eventually(() => told.length === 1);
    expect(unrecorded.get('f')).toBeUndefined();
  });

  it('ends a call that it gives up, whatever that waits for, and says that the request may have been sent', async () => {
    const { attempts, calls } = worker('first', new Map(), () => new Promise(() => undefined));
    expect((await make(attempts)).attempts.get('f')).toHaveProperty('call');
    const call = calls.get('f');
    call?.abort();
    expect(await call?.attempt).toMatchObject({
      failure: { code: 'TRIGGER_UNREACHABLE', message: expect.stringContaining('may have been sent') as string },
    });
  });
});
