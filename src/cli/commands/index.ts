/** Every command, in the order of `sluice --help`. A new command is one file and one line here. */
import type { RegisterCommand } from '../runtime';
import { registerList } from './list';
import { registerPause, registerResume } from './pause-resume';
import { registerSetup } from './setup';
import { registerStacPublish } from './stac-publish';
import { registerStatus } from './status';
import { registerValidate } from './validate';

export const registerCommands: RegisterCommand = (program, cli) => {
  registerValidate(program, cli);
  registerList(program, cli);
  registerStatus(program, cli);
  registerPause(program, cli);
  registerResume(program, cli);
  const stac = program.command('stac').description('STAC APIs as a source of events');
  registerStacPublish(stac, cli);
  registerSetup(program, cli);
};
