import { randomBytes } from 'node:crypto';
import { Worker } from '@temporalio/worker';
import { tools } from '../../../dev/binaries/catalogue';
import { findBinary } from '../../../dev/binaries/find-binary';
import { runCommand } from '../../../dev/binaries/run-command';
import { eventBusWorkflowId } from '../../../src/contract/identity';
import type { EventBusDefinition } from '../../../src/contract/definitions';
import { eventBusDefinitionQuery } from '../../../src/contract/event-bus-messages';
import { eventually } from '../../setup/eventually';
import { parseHistory } from '../../replay/history-files';
import { openWorld, workflowBundle, type SluiceWorld } from '../sluice-world';
import { currentDetails } from '../what-people-see';

describe('an event bus', () => {
  let world: SluiceWorld;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world.close());

  it('ignores a cancellation request, shows it, and ends when it is deleted with a reason', async () => {
    const namespace = `ns-${randomBytes(4).toString('hex')}`;
    const args: [EventBusDefinition] = [
      { namespace, name: 'default', spec: { jetstreamExotic: { url: 'nats://nats:4222', streamConfig: '' } } },
    ];
    const bus = await world.client.workflow.start('eventBus', {
      workflowId: eventBusWorkflowId(namespace, 'default'),
      taskQueue: world.taskQueue,
      args,
    });
    await bus.cancel();
    await eventually(async () => (await currentDetails(bus)).includes('cancellation ignored'));
    expect(await bus.query(eventBusDefinitionQuery)).toMatchObject({ namespace });
    await bus.signal('delete', {});
    await eventually(async () => (await currentDetails(bus)).includes('are required'));
    await bus.signal('delete', { by: 'ada', why: 'test' });
    await bus.result();

    // What docs/contributing/debugging.md says of a history from a cluster.
    const address = ['--address', world.temporalAddress, '--namespace', world.client.options.namespace];
    const show = ['workflow', 'show', '--workflow-id', bus.workflowId, '--output', 'json', ...address];
    const history = parseHistory(await runCommand(await findBinary(tools.temporal), show));
    expect(history.events.length).toBeGreaterThan(5);
    await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, bus.workflowId);
  });
});
