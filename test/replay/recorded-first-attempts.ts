/** Runs whose first attempts a listener made before it started them. */
import type { JsonObject } from '../../src/event/json';
import { eventually } from '../setup/eventually';
import { Stage } from '../workflows/stage';
import type { RecordedScenario } from './recorded-scenario';

const logTrigger: JsonObject = { template: { name: 'log', log: {} } };
/** A parameter of the template keeps the listener from it: the run makes this attempt itself. */
const parameter = { src: { dependencyName: 'a', dataKey: 'seconds', useRawData: true } };
const ownTrigger: JsonObject = {
  template: { name: 'own', log: {} },
  parameters: [{ ...parameter, dest: 'log.intervalSeconds' }],
};
const refusedTrigger: JsonObject = {
  template: {
    name: 'refused',
    k8s: { source: { resource: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'Not A Name' } } } },
  },
};

function scenario(
  name: string,
  triggers: readonly JsonObject[],
  carry: (stage: Stage) => Promise<void>,
): RecordedScenario {
  return {
    name,
    play: async (world, keep) => {
      const stage = new Stage(world);
      try {
        await stage.apply({ triggers });
        await stage.publish(stage.event('a', '1', { seconds: 1 }));
        await carry(stage);
        await keep('run', await stage.onlyRun());
      } finally {
        await stage.remove();
      }
    },
  };
}

export const RECORDED_FIRST_ATTEMPTS: readonly RecordedScenario[] = [
  scenario('a run that the listener has fired', [logTrigger], async (stage) => {
    await (await stage.onlyRun()).result();
  }),
  scenario('a run of which the listener has fired one trigger', [logTrigger, ownTrigger], async (stage) => {
    await (await stage.onlyRun()).result();
  }),
  scenario('a run whose attempt by the listener failed', [logTrigger, refusedTrigger], async (stage) => {
    const run = await stage.onlyRun('Parked');
    await run.signal('discard', { by: 'ada', why: 'test' });
    await eventually(async () => (await run.describe()).status.name !== 'RUNNING');
  }),
];
