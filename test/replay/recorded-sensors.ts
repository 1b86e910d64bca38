/** Sensors with their runs, and replays: the scenarios of the tests, and what a run may go through besides. */
import { REPLAY_SCENARIOS } from '../workflows/replay/replay-scenarios';
import { SENSOR_SCENARIOS, type Scenario } from '../workflows/sensor/sensor-scenarios';
import { Stage } from '../workflows/stage';
import { eventually } from '../setup/eventually';
import type { RecordedScenario } from './recorded-scenario';

const BY = { by: 'ada', why: 'test' };

const RUN_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a run whose first attempt failed in passing',
    async run(stage) {
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
      stage.answerNext('t', [{ status: 503, headers: { 'retry-after': '1' } }]);
      await stage.publish(stage.event('a', '1'));
      await (await stage.onlyRun()).result();
    },
  },
  {
    name: 'a run that was parked and retriggered',
    async run(stage) {
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
      stage.answerNext('t', [{ status: 400 }]);
      await stage.publish(stage.event('a', '1'));
      const run = await stage.onlyRun('Parked');
      await run.signal('retrigger', BY);
      await run.result();
    },
  },
  {
    name: 'a run that was parked and discarded',
    async run(stage) {
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
      stage.answerNext('t', [{ status: 400 }]);
      await stage.publish(stage.event('a', '1'));
      const run = await stage.onlyRun('Parked');
      await run.signal('discard', BY);
      await run.result();
    },
  },
  {
    name: 'a run that handed its fire to the dead-letter trigger',
    async run(stage) {
      const dlqTrigger = stage.httpTrigger('dead', ['a']);
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'], { dlqTrigger, retryStrategy: { steps: 1 } })] });
      stage.answerNext('t', [{ status: 500 }]);
      await stage.publish(stage.event('a', '1'));
      const run = await stage.onlyRun();
      await run.result().catch(() => undefined);
    },
  },
  {
    name: 'runs that waited for the rate limit',
    async run(stage) {
      const rateLimit = { unit: 'Second', requestsPerUnit: 1 };
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'], { rateLimit })] });
      await stage.publish(stage.event('a', '1'), stage.event('a', '2'));
      await stage.bodies(2);
      await eventually(async () => (await stage.runIds('Succeeded')).length > 0);
    },
  },
  {
    name: 'a sensor flooded with events that it can only park',
    async run(stage) {
      await stage.apply({
        annotations: { 'sluice.io/correlate-by': 'scene' },
        dependencies: ['a', 'b'],
        triggers: [stage.httpTrigger('t', ['a', 'b'])],
      });
      await stage.world.bus.publishEvents(Array.from({ length: 120 }, (_, at) => stage.event('a', `${at}`)));
      await eventually(async () => (await stage.runIds('Parked')).length === 120);
    },
  },
  {
    name: 'a sensor that was asked to retrigger what is not there',
    async run(stage) {
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
      await stage.handle.signal('retrigger', { ...BY, runId: 'run/nowhere/at/all' });
      await eventually(async () => (await stage.status()).refusals?.length === 1);
    },
  },
];

const KEPT_RUNS = 2;

export const RECORDED_SENSORS: readonly RecordedScenario[] = [...SENSOR_SCENARIOS, ...RUN_SCENARIOS].map((scenario) =>
  onStage(scenario, false, async (stage, keep) => {
    await keep('sensor', stage.handle);
    const runIds = [...new Set(await stage.runIds())].slice(0, KEPT_RUNS);
    for (const [index, id] of runIds.entries())
      await keep(`run-${index + 1}`, stage.world.client.workflow.getHandle(id));
  }),
);

export const CONTINUED_SENSORS: readonly RecordedScenario[] = SENSOR_SCENARIOS.map((scenario) =>
  onStage(scenario, true, (stage, keep) => keep('sensor', stage.handle)),
);

/** Of several replays of a scenario the first: the others only look whether it has come to its end. */
export const RECORDED_REPLAYS = REPLAY_SCENARIOS.map((scenario) =>
  onStage(scenario, false, async ({ replays: [first] }, keep) => {
    if (first) await keep('replay', first.ended);
  }),
);

export const CONTINUED_REPLAYS = REPLAY_SCENARIOS.map((scenario) =>
  onStage(scenario, true, async ({ replays: [first] }, keep) => {
    if (!first) return;
    await keep('replay-first', first.begun);
    await keep('replay-last', first.ended);
  }),
);

function onStage(
  scenario: Scenario,
  continueAsNew: boolean,
  kept: (stage: Stage, keep: Parameters<RecordedScenario['play']>[1]) => Promise<void>,
): RecordedScenario {
  return {
    name: scenario.name,
    play: async (world, keep) => {
      const stage = new Stage(world, { continueAsNew });
      await scenario.run(stage);
      await kept(stage, keep);
      await stage.remove();
    },
  };
}
