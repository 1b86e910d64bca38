/** The lines of `status` about pending events on a bus that expires them. Pure. */
import type { PendingActivity } from '../pending-activities';

export interface ExpiringEvents {
  readonly waiting: number;
  /** RFC 3339: when the first of them expires. */
  readonly expiresAt?: string;
  /** The latest loss. */
  readonly lost?: string;
}

/** As the last heartbeat of the listener, or of a paused sensor's watch, reported. */
export function expiringEvents(activities: readonly PendingActivity[]): ExpiringEvents | undefined {
  return activities.flatMap(({ heartbeat }) => readHeartbeat(heartbeat)).at(0);
}

export function describeExpiring({ waiting, expiresAt, lost }: ExpiringEvents): string[] {
  return [
    ...(waiting > 0 && expiresAt !== undefined
      ? [`${waiting === 1 ? '1 event waits and expires' : `${waiting} events wait; the first expires`} at ${expiresAt}`]
      : []),
    ...(lost === undefined ? [] : [`Lost: ${lost}`]),
  ];
}

function readHeartbeat(details: unknown): ExpiringEvents[] {
  if (typeof details !== 'object' || details === null || !('waiting' in details)) return [];
  const { waiting } = details;
  if (typeof waiting !== 'number') return [];
  const expiresAt = 'expiresAt' in details && typeof details.expiresAt === 'string' ? details.expiresAt : undefined;
  const lost = 'lost' in details && typeof details.lost === 'string' ? details.lost : undefined;
  return [{ waiting, ...(expiresAt !== undefined && { expiresAt }), ...(lost !== undefined && { lost }) }];
}
