/** Scenarios whose histories are kept: those of the sensor, and what a run may go through. */
import { SENSOR_SCENARIOS, type Scenario } from '../workflows/sensor-scenarios';
import { eventually } from '../setup/eventually';

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
    name: 'a sensor that was asked to retrigger what is not there',
    async run(stage) {
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
      await stage.handle.signal('retrigger', { ...BY, runId: 'run/nowhere/at/all' });
      await eventually(async () => (await stage.status()).refusals?.length === 1);
    },
  },
];

export const RECORDED_SCENARIOS: readonly Scenario[] = [...SENSOR_SCENARIOS, ...RUN_SCENARIOS];
