/** Prints the progress of a slow command to stderr; prints nothing if the command is quick. */
import { isTerminal, type CliIo } from '../io';

const QUIET_MS = 2_000;
const LINE_EVERY_MS = 5_000;
const REDRAW_MS = 200;

export interface Progress {
  /** The current step, e.g. `180 of 400 items published`. Cheap: may be called for every item. */
  update(text: string): void;
  /** Clears the line; idempotent. */
  end(): void;
}

export function createProgress(io: CliIo): Progress {
  const redraws = isTerminal(io.stderr);
  const every = redraws ? REDRAW_MS : LINE_EVERY_MS;
  let text = '';
  let drawn = false;
  const draw = (): void => {
    if (text === '') return;
    io.stderr.write(redraws ? `\r\u001b[K${text}` : `${text}\n`);
    drawn = true;
    if (!redraws) text = '';
  };
  let repeat: NodeJS.Timeout | undefined;
  const start = setTimeout(() => {
    draw();
    repeat = setInterval(draw, every);
    repeat.unref();
  }, QUIET_MS);
  start.unref();
  return {
    update: (latest) => void (text = latest),
    end: () => {
      clearTimeout(start);
      clearInterval(repeat);
      if (drawn && redraws) io.stderr.write('\r\u001b[K');
      drawn = false;
      text = '';
    },
  };
}
