import { testScenarios } from '../run/run-scenarios';
import { SENSOR_SCENARIOS } from './sensor-scenarios';

describe('a sensor whose every workflow task is a replay', () => {
  testScenarios(SENSOR_SCENARIOS, { maxCachedWorkflows: 0 });
});
