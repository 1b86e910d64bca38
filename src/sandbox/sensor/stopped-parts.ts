/** The parts of a sensor that stopped by themselves: only because of a fault that an operator must repair. Pure. */
import { readFailure } from '../run/read-failure';
import type { StoppedPart } from '../../contract/sensor-messages';

export const HOW_TO_START_AGAIN = 'Then apply it again, changed or not, or pause and resume it.';
/** For events of event sources, which are retried by themselves. */
export const HOW_TO_TRY_AT_ONCE =
  'Sluice tries again within 5 minutes; to try at once, apply it again, or pause and resume it.';

export class StoppedParts {
  private readonly parts = new Map<string, StoppedPart>();

  /** @param error the failure of its activity; @param now milliseconds since the epoch */
  add(part: StoppedPart['part'], name: string, error: unknown, now: number): void {
    const { code, message, fix } = readFailure(error);
    const since = new Date(now).toISOString();
    this.parts.set(name, { part, name, since, code, message, ...(fix !== undefined && { fix }) });
  }

  /** All are started again. */
  clear(): void {
    this.parts.clear();
  }

  isEmpty(): boolean {
    return this.parts.size === 0;
  }

  /** For the sensor's status: an empty object if nothing has stopped. */
  status(): { readonly stopped?: readonly StoppedPart[] } {
    const inOrder = [...this.parts.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
    return this.isEmpty() ? {} : { stopped: inOrder };
  }
}

/** One line of Markdown or plain text. */
export function describeStopped({ name, since, code, message, fix }: StoppedPart): string {
  return `${name} has stopped at ${since}: ${code}: ${message}. ${fix === undefined ? '' : `${withoutStop(fix)}. `}${HOW_TO_START_AGAIN}`;
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}
