import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { defaultPayloadConverter } from '@temporalio/common';
import type { DecisionRecord } from '../../../src/records/decision-record';
import { collect } from '../../setup/collect';
import { eventually } from '../../setup/eventually';
import { useStage, type Stage } from '../../workflows/stage';

const BY = { by: 'ada', why: 'maintenance' };

describe('a paused sensor', () => {
  let stage: Stage;
  useStage((fresh) => (stage = fresh));

  async function expired(): Promise<DecisionRecord[]> {
    const filter = { namespace: stage.namespace, decision: 'expired' as const };
    return await collect((await stage.bus()).readDecisions(filter));
  }

  async function heartbeat(): Promise<Record<string, unknown>> {
    const { raw } = await stage.handle.describe();
    const watch = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'sluiceWatchPausedSensor');
    const [payload] = watch?.heartbeatDetails?.payloads ?? [];
    return payload ? defaultPayloadConverter.fromPayload(payload) : {};
  }

  it('reports pending events by heartbeat, and records those that the bus removes', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    await stage.publish(stage.event('a', '1'));
    await stage.bodies(1);
    await stage.handle.signal('pause', BY);
    await eventually(async () => (await heartbeat())['waiting'] === 0);
    await stage.publish(stage.event('a', '2'), stage.event('a', '3'));
    await eventually(async () => (await heartbeat())['waiting'] === 2);
    expect(Date.parse(String((await heartbeat())['expiresAt']))).toBeGreaterThan(Date.now());

    const client = await connect({ servers: stage.world.nats.url });
    const manager = await jetstreamManager(client);
    await manager.streams.purge('default', { filter: `default.${stage.source}.a` });
    await client.close();
    const [record] = await eventually(async () => {
      const records = await expired();
      return records.length > 0 && records;
    });
    expect(record).toMatchObject({ sensor: stage.sensor, expired: { least: 2, most: 2, cause: 'removed' } });
    // The SDK sends the latest heartbeat every few seconds only.
    await eventually(async () => String((await heartbeat())['lost']).startsWith('2 events (positions '));

    await stage.handle.signal('resume', BY);
    await stage.publish(stage.event('a', '4'));
    expect(await stage.bodies(2)).toContainEqual({ a: '4' });
    expect(await expired()).toHaveLength(1);
  });
});
