/** Rejects empty arguments and options, such as those of an unset shell variable. */
import type { Command } from 'commander';
import { SluiceError } from '../errors/sluice-error';

/** Every id contains the empty string, and an empty query matches every run: neither can be intended. */
export function refuseEmptyWords(command: Command): void {
  const named = [
    ...command.registeredArguments.map((argument, index) => {
      const value: unknown = command.processedArgs[index];
      return { name: `Argument <${argument.name()}>`, value };
    }),
    ...command.options.map((option) => {
      const value: unknown = command.getOptionValue(option.attributeName());
      return { name: `Option ${option.long ?? option.flags}`, value };
    }),
  ];
  const empty = named.find(({ value }) =>
    [value].flat().some((text) => typeof text === 'string' && text.trim() === ''),
  );
  if (empty === undefined) return;
  throw new SluiceError('USAGE', {
    message: `${empty.name} is empty`,
    fix: 'Give it a value; a shell variable in it may not be set',
  });
}
