/** The settings of a connection as they were read last, Secrets included. */
import { setTimeout as delay } from 'node:timers/promises';
import { unlessAborted } from '../concurrency/open-while-wanted';

/** A reconnection must not depend on the Kubernetes API: the last known credentials will usually work. */
const READ_WITHIN_MS = 3_000;

export class KnownSettings<Settings> {
  private known: { readonly settings: Settings } | undefined;

  constructor(private readonly readNow: () => Promise<Settings>) {}

  /** Undefined until they were read once. */
  get last(): Settings | undefined {
    return this.known?.settings;
  }

  /**
   * Reads them; returns the last known ones if reading fails or takes long. Throws what reading throws while there are
   * none, and the signal's reason.
   */
  async read(signal: AbortSignal): Promise<Settings> {
    const reading = this.readNow();
    const { known } = this;
    const settings = known === undefined ? reading : soonOr(known.settings, reading);
    this.known = { settings: await unlessAborted(settings, signal) };
    return this.known.settings;
  }
}

async function soonOr<Settings>(known: Settings, reading: Promise<Settings>): Promise<Settings> {
  const over = new AbortController();
  const late = delay(READ_WITHIN_MS, known, { signal: over.signal, ref: false });
  try {
    return await Promise.race([reading.catch(() => known), late]);
  } finally {
    over.abort();
  }
}
