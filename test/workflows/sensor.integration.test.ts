import { testSensorScenarios } from './run-scenarios';

describe('a sensor', () => testSensorScenarios());
