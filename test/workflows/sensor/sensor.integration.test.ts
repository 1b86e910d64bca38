import { testScenarios } from '../run/run-scenarios';
import { SENSOR_SCENARIOS } from './sensor-scenarios';

describe('a sensor', () => testScenarios(SENSOR_SCENARIOS));
