import { REPLAY_SCENARIOS } from './replay-scenarios';
import { testScenarios } from '../run/run-scenarios';
import { proposeContinueAsNewAfter } from '../sluice-world';

describe('a replay that continues as new after each portion', () => {
  testScenarios(REPLAY_SCENARIOS, proposeContinueAsNewAfter(8), { continueAsNew: true });
});
