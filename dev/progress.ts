const TERMINAL_INTERVAL_MS = 1_000;
const PLAIN_INTERVAL_MS = 5_000;

export interface Progress {
  /** Shows the current step, in a few words. */
  detail(text: string): void;
  /** Ends the display with one last line. */
  finish(outcome: string): void;
}

/** Prints one line about a slow step that happens once. Goes to standard error. */
export function announce(text: string): void {
  process.stderr.write(`sluice: ${text}\n`);
}

/** Shows progress of a long step: one line that is rewritten on a terminal, a plain line now and then elsewhere. */
export function startProgress(title: string): Progress {
  const startedAt = Date.now();
  const isTerminal = process.stderr.isTTY;
  let current = '';
  announce(title);

  const show = () => {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    const line = `sluice:   ${seconds} s  ${current}`.slice(0, isTerminal ? (process.stderr.columns || 80) - 1 : 200);
    process.stderr.write(isTerminal ? `\r\x1b[K${line}` : `${line}\n`);
  };
  const timer = setInterval(show, isTerminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS);

  return {
    detail: (text) => {
      current = text;
    },
    finish: (outcome) => {
      clearInterval(timer);
      const seconds = Math.round((Date.now() - startedAt) / 1000);
      process.stderr.write(`${isTerminal ? '\r\x1b[K' : ''}sluice:   ${outcome} after ${seconds} s\n`);
    },
  };
}
