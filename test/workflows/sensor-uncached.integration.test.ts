import { testSensorScenarios } from './run-scenarios';

describe('a sensor whose every workflow task is a replay', () => testSensorScenarios({ maxCachedWorkflows: 0 }));
