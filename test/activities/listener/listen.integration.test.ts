import { WorkflowClient } from '@temporalio/client';
import type { Observation } from '../../../src/contract/sensor-messages';
import { cutObservations } from '../../../activities/listener/observation-batches';
import { decideFires } from '../../../activities/listener/decide-fires';
import { groupIntoRuns } from '../../../activities/starting/group-into-runs';
import { startRun } from '../../../activities/starting/start-runs';
import { createExpressionEngine } from '../../../src/expressions';
import { planSensor } from '../../../src/sandbox/sensor/sensor-plan';
import type { BusListener } from '../../../src/bus/bus';
import type { DecisionRecord } from '../../../src/records/decision-record';
import { collect } from '../../setup/collect';
import { eventually } from '../../setup/eventually';
import { openWorld, type SluiceWorld } from '../../workflows/sluice-world';
import { Stage, useStage } from '../../workflows/stage';
import { cloudEvent } from '../../setup/cloud-event';

describe('a listener', () => {
  let stage: Stage;
  useStage((fresh) => (stage = fresh));

  /** The listener of a worker that will not live to acknowledge anything. */
  const openDying = async (...names: readonly string[]): Promise<BusListener> =>
    (await stage.bus()).openListener({
      namespace: stage.namespace,
      sensorName: stage.sensor,
      paths: names.map((name) => `${stage.source}.${name}`),
      startFrom: { kind: 'all' },
      maxBatch: 10,
    });

  async function decisions(): Promise<DecisionRecord[]> {
    return await collect((await stage.bus()).readDecisions({ namespace: stage.namespace }));
  }

  it('fires once if a worker dies between starting a run and the ack, however the batch is split again', async () => {
    const fields = { annotations: { 'sluice.io/run-batch': '2' }, triggers: [stage.httpTrigger('t', ['a'])] };
    const definition = stage.define(fields);
    const events = ['1', '2', '3'].map((name) => stage.event('a', name));
    // What the worker that died did: it started the runs of its own cut, [2, 3], and acknowledged nothing.
    const engine = createExpressionEngine();
    const lost = events.slice(1).map((event, sequence) => ({ event, subject: `default.${stage.source}.a`, sequence }));
    const decided = await decideFires(definition, planSensor(definition.spec, definition.options), lost, engine);
    await engine.close();
    const fires = decided.flatMap((decision) => decision.fires);
    const client = new WorkflowClient({ connection: stage.world.connection });
    for (const run of groupIntoRuns(definition, fires)) await startRun(client, stage.world.taskQueue, run);
    await stage.bodies(2);

    // The bus gives all three to the dying listener, and later once more to the next one.
    const dying = await openDying('a');
    await stage.publish(...events);
    let pulled = await dying.pull(10);
    while (pulled.length < 3) pulled = [...pulled, ...(await dying.pull(10))];
    for (const message of pulled) message.nak();
    await dying.close();

    await stage.apply(fields);
    expect(await stage.bodies(3)).toEqual(expect.arrayContaining([{ a: '1' }, { a: '2' }, { a: '3' }]));
    const records = await eventually(async () => {
      const found = await decisions();
      return found.filter(({ decision }) => decision === 'fired').length === 3 ? found : undefined;
    });
    expect(records).toHaveLength(3);
    expect(stage.requests()).toHaveLength(3);
  });

  it('fires a single-dependency trigger even if a joined run carried the event before', async () => {
    const [a, b] = [stage.event('a', '1'), stage.event('b', '1')];
    // The worker that died had told the sensor, and had not yet started the run of `alone`.
    const dying = await openDying('a', 'b');
    await stage.publish(a);
    const [taken] = await dying.pull(1);
    await stage.apply({
      dependencies: ['a', 'b'],
      triggers: [
        stage.httpTrigger('joined', ['a', 'b'], { template: { conditions: 'a && b' } }),
        stage.httpTrigger('alone', ['a'], { template: { conditions: 'a' } }),
      ],
    });
    const observations = [a, b].map((event) => ({ dependency: event.subject, event, receivedAt: Date.now() }));
    await stage.handle.signal('observe', { observations });
    await stage.bodies(1, 'joined');
    await stage.onlyRun();
    taken?.nak();
    await dying.close();
    expect(await stage.bodies(1, 'alone')).toEqual([{ a: '1' }]);
    expect(stage.requests('joined')).toHaveLength(1);
  });

  it('continues after an outage of the bus', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    await stage.publish(stage.event('a', '1'));
    await stage.bodies(1);
    await stage.world.nats.stopKeepingData();
    await eventually(async () => (await listenerTells(stage)).includes('"connected":false'));
    await stage.world.nats.restart();
    await stage.publish(stage.event('a', '2'));
    expect(await stage.bodies(2)).toEqual([{ a: '1' }, { a: '2' }]);
  });

  it('records a decision for a malformed message, and continues', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    await publishRaw(stage.world, `default.${stage.source}.a`, 'this is no CloudEvent');
    await stage.publish(stage.event('a', '1'));
    await stage.bodies(1);
    const failed = await eventually(async () => (await decisions()).find(({ decision }) => decision === 'failed'));
    expect(failed).toMatchObject({ code: 'EVENT_UNDECODABLE', sensor: stage.sensor });
    await eventually(async () => (await lagOf(stage)) === 0);
  });
});

describe('a listener during a Temporal outage', () => {
  it('naks the events, and fires them once Temporal accepts the runs', async () => {
    // Without its search attributes the server refuses every run of ours.
    const searchAttributes = [{ name: 'SomebodyElses', type: 'Keyword' as const }];
    const world = await openWorld({ temporal: { own: true, headless: true, searchAttributes } });
    try {
      const stage = new Stage(world);
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
      await stage.publish(stage.event('a', '1'));
      await eventually(async () => ((await lagOf(stage)) === 1 ? true : undefined));
      const names = { SluiceSensor: 2, SluiceEventSource: 2, SluiceTriggers: 7, SluiceEventIds: 7, SluiceState: 2 };
      await world.connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes: names });
      expect(await stage.bodies(1)).toEqual([{ a: '1' }]);
      await eventually(async () => (await lagOf(stage)) === 0);
      expect(stage.requests()).toHaveLength(1);
    } finally {
      await world.close();
    }
  });
});

describe('observations', () => {
  it('are split into signals of a permitted size, in order', () => {
    const observation = (id: string, size: number): Observation => ({
      dependency: 'a',
      receivedAt: 0,
      event: cloudEvent({ id, data: 'x'.repeat(size) }),
    });
    const all = ['1', '2', '3', '4'].map((id, index) => observation(id, index === 2 ? 5_000 : 400));
    const portions = cutObservations(all, 1_500);
    expect(portions.map((portion) => portion.map(({ event }) => event.id))).toEqual([['1', '2'], ['3'], ['4']]);
    expect(cutObservations([])).toEqual([]);
  });
});

async function publishRaw(world: SluiceWorld, subject: string, text: string): Promise<void> {
  const { connect } = await import('@nats-io/transport-node');
  const connection = await connect({ servers: world.nats.url });
  connection.publish(subject, text);
  await connection.drain();
}

/** Events that the sensor's durable consumer has not acknowledged. */
/** What the listener's last heartbeat says, as JSON. */
async function listenerTells(stage: Stage): Promise<string> {
  const { raw } = await stage.handle.describe();
  const listener = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'sluiceListen');
  return Buffer.from(listener?.heartbeatDetails?.payloads?.[0]?.data ?? []).toString();
}

async function lagOf(stage: Stage): Promise<number | undefined> {
  const answer = await fetch(`${stage.world.nats.monitorUrl}/jsz?consumers=true`);
  const found = (await answer.json()) as {
    account_details?: ReadonlyArray<{
      stream_detail?: ReadonlyArray<{
        consumer_detail?: ReadonlyArray<{ name: string; num_pending: number; num_ack_pending: number }>;
      }>;
    }>;
  };
  const consumer = (found.account_details ?? [])
    .flatMap(({ stream_detail }) => stream_detail ?? [])
    .flatMap(({ consumer_detail }) => consumer_detail ?? [])
    .find(({ name }) => name.includes(stage.namespace));
  return consumer === undefined ? undefined : consumer.num_pending + consumer.num_ack_pending;
}
