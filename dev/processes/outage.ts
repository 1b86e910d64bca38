import type { ServerProcess } from './server-process';

/** Failures of a server that keeps its data. */
export interface Outage {
  /** Ends it with SIGKILL. `restart` starts it again. */
  crash(): Promise<void>;
  /** Starts it again on the same port with the same data, after stopping it if it runs. */
  restart(): Promise<void>;
  /** Stops it with SIGSTOP: its connections stay open without responses. */
  pause(): void;
  resume(): void;
}

export function outageOf(current: () => ServerProcess, restart: () => Promise<void>): Outage {
  return {
    crash: () => current().kill(),
    restart,
    pause: () => current().pause(),
    resume: () => current().resume(),
  };
}

/** For a server that Sluice did not start. */
export function refusedOutage(refuse: () => Promise<never>): Outage {
  const refuseNow = (): never => {
    throw new Error('a server that was not started here is not paused');
  };
  return { crash: refuse, restart: refuse, pause: refuseNow, resume: refuseNow };
}
