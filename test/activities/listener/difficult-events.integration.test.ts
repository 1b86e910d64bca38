import { connect } from '@nats-io/transport-node';
import { encodeEvent } from '../../../src/event/encode-event';
import type { CloudEvent } from '../../../src/event/cloud-event';
import type { DecisionRecord } from '../../../src/records/decision-record';
import { collect } from '../../setup/collect';
import { eventually } from '../../setup/eventually';
import { useStage, type Stage } from '../../workflows/stage';

const PATIENCE = { timeoutMs: 90_000 };

describe('a difficult event', () => {
  let stage: Stage;
  useStage((fresh) => (stage = fresh));

  async function decisions(decision: DecisionRecord['decision']): Promise<DecisionRecord[]> {
    return await collect((await stage.bus()).readDecisions({ namespace: stage.namespace, decision }));
  }

  /** As another program does: under any subject, and without the bus recognising a repetition. */
  async function publishRaw(event: CloudEvent, subject = `default.${event.source}.${event.subject}`): Promise<void> {
    const connection = await connect({ servers: stage.world.nats.url });
    connection.publish(subject, encodeEvent(event));
    await connection.drain();
  }

  it('fails if its transform nests it too deeply for a run, and other events fire', async () => {
    const dependency = { name: 'a', eventName: 'a', transform: { jq: '.item |= fromjson' } };
    await stage.apply({ dependencies: [dependency], triggers: [stage.httpTrigger('t', ['a'])] });
    const deep = `{"x":${'['.repeat(6_000)}${']'.repeat(6_000)}}`;
    const events = [stage.event('a', '1', { item: '{}' }), stage.event('a', '2', { item: deep })];
    await stage.world.bus.publishEvents([...events, stage.event('a', '3', { item: '{}' })]);
    expect(await stage.bodies(2)).toEqual(expect.arrayContaining([{ a: '1' }, { a: '3' }]));
    const [failed] = await eventually(async () => {
      const found = await decisions('failed');
      return found.length > 0 && found;
    }, PATIENCE);
    expect(failed).toMatchObject({ code: 'EXPRESSION_FAILED', clause: 'transform.jq' });
    expect(failed?.reason).not.toContain('[[');
  }, 180_000);

  it('fires from several runs if its transformed copies exceed the size of one run', async () => {
    const names = ['a', 'b', 'c'];
    const dependencies = names.map((name, n) => ({ name, eventName: 'a', transform: { jq: `. + {n: ${n}}` } }));
    const trigger = stage.httpTrigger('t', names, { template: { conditions: 'a || b || c' } });
    await stage.apply({ dependencies, triggers: [trigger] });
    await stage.publish(stage.event('a', 'large', { text: 'x'.repeat(900_000) }), stage.event('a', 'small'));
    await stage.bodies(6);
    expect(stage.requests()).toHaveLength(6);
    expect(await decisions('failed')).toEqual([]);
  }, 180_000);

  it('is parked if a single copy exceeds the size of a run', async () => {
    const dependency = {
      name: 'a',
      eventName: 'a',
      transform: { jq: 'if .text then . + {b: .text} else . end' },
    };
    await stage.apply({ dependencies: [dependency], triggers: [stage.httpTrigger('t', ['a'])] });
    await stage.publish(stage.event('a', 'huge', { text: 'x'.repeat(1_000_000) }), stage.event('a', 'small'));
    expect(await stage.bodies(1)).toEqual([{ a: 'small' }]);
    const run = await stage.onlyRun('Parked');
    const [failed] = await eventually(async () => {
      const found = await decisions('failed');
      return found.length > 0 && found;
    }, PATIENCE);
    expect(failed).toMatchObject({ code: 'BUS_EVENT_TOO_LARGE', runId: run.workflowId });
    await run.terminate('the test is over');
  }, 180_000);

  it('is a duplicate if it is published again after the duplicate window, and fires once', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    const event = stage.event('a', '1');
    await publishRaw(event);
    await stage.bodies(1);
    const run = await stage.onlyRun();
    await publishRaw(event);
    const [duplicate] = await eventually(async () => {
      const found = await decisions('duplicate');
      return found.length > 0 && found;
    }, PATIENCE);
    expect(duplicate).toMatchObject({ runId: run.workflowId, triggers: ['t'] });
    expect(await decisions('fired')).toHaveLength(1);
    expect(stage.requests()).toHaveLength(1);
  }, 180_000);

  it('is a duplicate of its copy in the same pull, and fires once', async () => {
    const event = stage.event('a', '1');
    await publishRaw(event);
    await publishRaw(event);
    await stage.apply({
      annotations: { 'sluice.io/start-from': 'all' },
      triggers: [stage.httpTrigger('t', ['a'])],
    });
    await stage.bodies(1);
    const [duplicate] = await eventually(async () => {
      const found = await decisions('duplicate');
      return found.length > 0 && found;
    }, PATIENCE);
    const run = await stage.onlyRun();
    expect(duplicate).toMatchObject({ runId: run.workflowId, triggers: ['t'] });
    expect([await decisions('fired'), await decisions('duplicate')].map(({ length }) => length)).toEqual([1, 1]);
    expect(stage.requests()).toHaveLength(1);
  }, 180_000);

  it('fires nothing if its envelope and its subject differ', async () => {
    await stage.apply({
      dependencies: ['a', 'b'],
      triggers: [stage.httpTrigger('t', ['b'], { template: { conditions: 'b' } })],
    });
    await publishRaw(stage.event('b', 'forged'), `default.${stage.source}.a`);
    await stage.publish(stage.event('b', 'honest'));
    expect(await stage.bodies(1)).toEqual([{ b: 'honest' }]);
    const [failed] = await eventually(async () => {
      const found = await decisions('failed');
      return found.length > 0 && found;
    }, PATIENCE);
    expect(failed).toMatchObject({ code: 'EVENT_SUBJECT_MISMATCH', subject: 'a' });
    expect(stage.requests()).toHaveLength(1);
  }, 180_000);
});
