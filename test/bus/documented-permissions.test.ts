/** The permissions of docs/security.md on a real server: a worker needs all of them and no other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { jetstream } from '@nats-io/jetstream';
import { repoRoot } from '../../dev/repo-root';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus } from '../../src/bus/bus';
import { connectBus } from '../../src/bus/connect';
import { eventPath } from '../../src/bus/event-path';
import { secretsFrom } from '../setup/secrets';
import { idsOf, sampleEvent, take } from './bus-fixture';

const page = readFileSync(join(repoRoot, 'docs', 'security.md'), 'utf8');
const permissions = /^permissions \{\n[\s\S]*?^\}$/m.exec(page)?.[0] ?? '';

describe('the NATS permissions of docs/security.md', () => {
  let nats: RunningNats;
  let bus: Bus;

  beforeAll(async () => {
    const configuration = `authorization { users: [
      { user: worker, password: w, ${permissions} },
      { user: producer, password: p, permissions { publish: "default.stac.scenes", subscribe: "_INBOX.>" } }
    ] }`;
    nats = await startNats({ own: true, configuration });
    const secrets = secretsFrom({ 'nats/auth': 'username: worker\npassword: w' });
    const accessSecret = { name: 'nats', key: 'auth' };
    const spec = { jetstreamExotic: { url: nats.url, accessSecret, streamConfig: 'replicas: 1' } };
    bus = await connectBus({ namespace: 'argo', name: 'b', spec }, secrets, {
      temporalNamespace: 'default',
    });
  });
  afterAll(async () => {
    await bus?.close();
    await nats?.stop();
  });

  it('suffice for all operations of workers', async () => {
    const [ours] = await bus.publishEvents([sampleEvent('ours')]);
    expect(ours?.kind).toBe('published');
    const listener = await bus.openListener({
      ...{ namespace: 'argo', sensorName: 's', startFrom: { kind: 'all' }, maxBatch: 10 },
      paths: [eventPath('stac', 'scenes')],
    });
    expect(idsOf(await take(listener, 1))).toEqual(['ours']);
    expect(await listener.measureBacklog(true)).toMatchObject({ expired: [] });
    await listener.close();
    const at = new Date().toISOString();
    bus.recordDecisions([
      { at, eventKey: 'stac/ours', eventId: 'ours', source: 'stac', subject: 'scenes', namespace: 'argo', sensor: 's', decision: 'fired' }, // prettier-ignore
    ]);
    await bus.flushDecisions();
    const recorded: string[] = [];
    for await (const { eventId } of bus.readDecisions({ namespace: 'argo' })) recorded.push(eventId);
    expect(recorded).toEqual(['ours']);
    await bus.storeHeld('argo', 's', [{ name: 'n', event: sampleEvent('held') }]);
    expect(idsOf((await bus.recallHeld('argo', 's', ['n'])).map((event) => ({ event })))).toEqual(['held']);
    expect(await bus.updateShared<number>('rate-limits', 'k', () => 1)).toBe(1);
    expect(await bus.extent()).toMatchObject({ events: 1 });
    await bus.forgetSensor('argo', 's');
    expect(bus.problem()).toBeUndefined();
  });

  it('allow a producer to publish to its own subject only', async () => {
    const client = await connect({ servers: nats.url, user: 'producer', pass: 'p' });
    const publish = (subject: string): Promise<unknown> => jetstream(client).publish(subject, '{}', { timeout: 2_000 });
    await publish('default.stac.scenes');
    await expect(publish('default.other.scenes')).rejects.toThrow();
    await client.close();
  });
});
