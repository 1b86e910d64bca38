interface Stoppable {
  stop(): Promise<void>;
}

const KEY = Symbol.for('sluice.test.shared-servers');
const holder = globalThis as { [KEY]?: Stoppable[] };

/** The servers of this run, from setup to teardown: jest may load the two with module registries of their own. */
export const sharedServers: Stoppable[] = (holder[KEY] ??= []);
