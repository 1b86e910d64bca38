/** Every command, in the order of `sluice --help`. A new command is one file and one line here. */
import type { RegisterCommand } from '../runtime';
import { registerApply } from './apply';
import { registerBusPrepare } from './bus-prepare';
import { registerCodecServer } from './codec-server';
import { registerDelete } from './delete';
import { registerDev } from './dev';
import { registerEvents } from './events';
import { registerExplain } from './explain';
import { registerList } from './list';
import { registerMigrate } from './migrate';
import { registerPause, registerResume } from './pause-resume';
import { registerReplay } from './replay';
import { registerRetrigger } from './retrigger';
import { registerRunsDiscard } from './runs-discard';
import { registerRunsList } from './runs-list';
import { registerRunsShow } from './runs-show';
import { registerSetup } from './setup';
import { registerStacPublish } from './stac-publish';
import { registerStatus } from './status';
import { registerTest } from './test';
import { registerValidate } from './validate';

export const registerCommands: RegisterCommand = (program, cli) => {
  registerValidate(program, cli);
  registerTest(program, cli);
  registerApply(program, cli);
  registerDelete(program, cli);
  registerList(program, cli);
  registerStatus(program, cli);
  registerPause(program, cli);
  registerResume(program, cli);

  registerExplain(program, cli);
  registerEvents(program, cli);

  const runs = program.command('runs').description('runs: what fired, what came of it, what is parked');
  registerRunsList(runs, cli);
  registerRunsShow(runs, cli);
  registerRunsDiscard(runs, cli);
  registerRetrigger(program, cli);
  registerReplay(program, cli);

  const stac = program.command('stac').description('STAC APIs as a source of events');
  registerStacPublish(stac, cli);

  const bus = program.command('bus').description('NATS: what an operator prepares for an EventBus');
  registerBusPrepare(bus, cli);

  registerMigrate(program, cli);
  registerSetup(program, cli);
  registerCodecServer(program, cli);
  registerDev(program, cli);
};
