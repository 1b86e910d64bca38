/**
 * How far Argo Events has handled the events of a sensor that moved here. It keeps a position for each trigger and
 * dependency, where Sluice has one for the sensor. Pure.
 */
import { isJsonObject } from '../event/json';

/** One dependency of one trigger. */
export interface ArgoSubscription {
  readonly trigger: string;
  readonly dependency: string;
  /** See `eventPath`. */
  readonly path: string;
}

/** Plain JSON. */
export type ArgoPosition = Omit<ArgoSubscription, 'path'> &
  (
    | {
        /** Argo Events has handled every event up to here … */
        readonly handledTo: number;
        /** … except this one, which waits for others. */
        readonly held?: number;
      }
    /** Argo Events never listened for it: it begins with events that were published from then on, RFC 3339. */
    | { readonly since: string }
  );

/** Where an event is on the bus. */
export interface PlaceOnBus {
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
}

/** Returns the first sequence that some trigger has not handled, or holds. */
export function firstUnhandled(positions: readonly ArgoPosition[]): number {
  const known = positions.filter((position) => 'handledTo' in position);
  return Math.min(...known.map(({ handledTo, held }) => Math.min(handledTo + 1, held ?? Infinity)));
}

export function isHandledByArgo(
  positions: readonly ArgoPosition[],
  trigger: string,
  dependency: string,
  { sequence, publishedAt }: PlaceOnBus,
): boolean {
  const position = positions.find((known) => known.trigger === trigger && known.dependency === dependency);
  if (position === undefined) return false;
  if ('since' in position) return publishedAt < Date.parse(position.since);
  return sequence <= position.handledTo && sequence !== position.held;
}

/** For the metadata of a consumer. */
export function writePositions(positions: readonly ArgoPosition[]): string {
  return JSON.stringify(positions);
}

export function readPositions(text: string | undefined): readonly ArgoPosition[] {
  if (text === undefined) return [];
  const parsed: unknown = JSON.parse(text);
  return Array.isArray(parsed) ? parsed.filter(isPosition) : [];
}

function isPosition(value: unknown): value is ArgoPosition {
  if (!isJsonObject(value) || typeof value.trigger !== 'string') return false;
  return typeof value.handledTo === 'number' || typeof value.since === 'string';
}
