/**
 * Whether servers run in the session of this process.
 *
 * Linux shares processors between sessions first, and by the priority of threads only within one
 * (`sched_autogroup_enabled`). A measurement of what low priorities are worth needs one session for all programs; it
 * gives up that Ctrl-C spares the servers, and that `kill` reaches the children of a server.
 */
let isShared = false;

/** For the servers that are started from now on. */
export function shareSession(): void {
  isShared = true;
}

export function isSessionShared(): boolean {
  return isShared;
}
