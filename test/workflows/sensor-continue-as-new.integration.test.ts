import { testSensorScenarios } from './run-scenarios';

describe('a sensor that continues as new in the middle of everything', () => {
  // The server proposes to continue as new after so few events of history that each step of a scenario passes it.
  const temporal = { own: true, headless: true, dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': '20' } };
  testSensorScenarios({ temporal }, { continueAsNew: true });
});
