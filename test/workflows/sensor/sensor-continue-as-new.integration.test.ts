import { testScenarios } from '../run/run-scenarios';
import { SENSOR_SCENARIOS } from './sensor-scenarios';
import { proposeContinueAsNewAfter } from '../sluice-world';

describe('a sensor that continues as new after every few events', () => {
  testScenarios(SENSOR_SCENARIOS, proposeContinueAsNewAfter(20), { continueAsNew: true });
});
