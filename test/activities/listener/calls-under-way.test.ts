import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import pino from 'pino';
import { CallsUnderWay, type OpenCall } from '../../../activities/listener/calls-under-way';
import { UnrecordedAttempts } from '../../../activities/listener/unrecorded-attempts';
import type { TimedAttempt } from '../../../src/contract/fires';
import { eventually } from '../../setup/eventually';

const at = '2026-01-01T00:00:00.000Z';
const answered: TimedAttempt = { fireId: 'f', at, tookMs: 700, result: { kind: 'response', summary: 'answered 200' } };

/** A Temporal that notes which runs were told. A real one cannot be made to refuse a signal at a given moment. */
function recordingClient(told: string[], refuse?: (runId: string) => Error | undefined): Client {
  return {
    withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(),
    workflow: {
      getHandle: (runId: string) => ({
        signal: () => {
          const error = refuse?.(runId);
          if (error !== undefined) return Promise.reject(error);
          told.push(runId);
          return Promise.resolve();
        },
      }),
    },
  } as unknown as Client;
}

describe('a call whose target has not responded when its run is started', () => {
  let unrecorded: UnrecordedAttempts;
  let calls: CallsUnderWay;
  let told: string[];
  let client: Client;
  let answer: (attempt: TimedAttempt) => void;

  beforeEach(() => {
    unrecorded = new UnrecordedAttempts();
    calls = new CallsUnderWay(unrecorded, pino({ level: 'silent' }));
    told = [];
    client = recordingClient(told);
    const attempt = new Promise<TimedAttempt>((resolve) => (answer = resolve));
    const open: OpenCall = {
      ...{ call: { fireId: 'f', at, until: at }, runId: 'run/planned', attempt },
      abort: () => undefined,
    };
    calls.add(open);
  });

  it('is reported to its run, although a copy of its event came meanwhile that needs no run', async () => {
    calls.reportTo('f', client, 'run/1');
    calls.drop('f');
    answer(answered);
    await eventually(() => told.length > 0);
    expect(told).toEqual(['run/1']);
  });

  it('is reported to the run of a copy of its event as well', async () => {
    calls.reportTo('f', client, 'run/1');
    calls.reportTo('f', client, 'run/1');
    calls.reportTo('f', client, 'run/copy');
    answer(answered);
    await eventually(() => told.length === 2);
    expect(told).toEqual(['run/1', 'run/copy']);
  });

  it('is kept for the next delivery of its event if the run cannot be started yet', async () => {
    calls.keep('f');
    answer(answered);
    await eventually(() => unrecorded.get('f') !== undefined);
    expect(unrecorded.get('f')).toEqual({ attempt: answered, runId: 'run/planned', kind: 'noted' });
    expect(calls.get('f')).toBeUndefined();
  });

  it('is reported again while Temporal does not accept the signal, until the run has ended', async () => {
    const errors = [new Error('unavailable'), new WorkflowNotFoundError('gone', 'run/1', undefined)];
    let refused = 0;
    calls.reportTo(
      'f',
      recordingClient(told, () => errors[refused++]),
      'run/1',
    );
    answer(answered);
    await eventually(() => refused === 2);
    await calls.close();
    expect(told).toEqual([]);
  });

  it('is given up by a worker that stops', async () => {
    calls.reportTo('f', client, 'run/1');
    const other: OpenCall = {
      ...{ call: { fireId: 'g', at, until: at }, runId: 'run/2' },
      ...{ attempt: Promise.resolve({ ...answered, fireId: 'g' }), abort: () => undefined },
    };
    calls.add(other);
    calls.reportTo('g', client, 'run/2');
    const closing = calls.close();
    answer(answered);
    await closing;
    expect([...told].sort()).toEqual(['run/1', 'run/2']);
  });
});
