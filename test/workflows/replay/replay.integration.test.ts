import { REPLAY_SCENARIOS } from './replay-scenarios';
import { testScenarios } from '../run/run-scenarios';

describe('a replay', () => testScenarios(REPLAY_SCENARIOS));
