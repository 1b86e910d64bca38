/** Every command, in the order of `sluice --help`. A new command is one file and one line here. */
import type { RegisterCommand } from '../runtime';
import { registerStacPublish } from './stac-publish';

export const registerCommands: RegisterCommand = (program, cli) => {
  const stac = program.command('stac').description('STAC APIs as a source of events');
  registerStacPublish(stac, cli);
};
