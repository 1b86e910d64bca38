/** The lines of `status` about pending events on a bus that expires them. Pure. */
import type { PendingActivity } from '../pending-activities';
import { readReport } from './heartbeat-report';

export interface ExpiringEvents {
  readonly waiting: number;
  /** RFC 3339: when the first of them expires. */
  readonly expiresAt?: string;
  /** The latest loss. */
  readonly lost?: string;
}

/** As the last heartbeat of the listener, or of a paused sensor's watch, reported. */
export function expiringEvents(activities: readonly PendingActivity[]): ExpiringEvents | undefined {
  const reports = activities.map(({ heartbeat }) => readReport(heartbeat));
  const { waiting, expiresAt, lost } = reports.find((report) => report.waiting !== undefined) ?? {};
  if (waiting === undefined) return undefined;
  return { waiting, ...(expiresAt !== undefined && { expiresAt }), ...(lost !== undefined && { lost }) };
}

export function describeExpiring({ waiting, expiresAt, lost }: ExpiringEvents): string[] {
  return [
    ...(waiting > 0 && expiresAt !== undefined
      ? [`${waiting === 1 ? '1 event waits and expires' : `${waiting} events wait; the first expires`} at ${expiresAt}`]
      : []),
    ...(lost === undefined ? [] : [`Lost: ${lost}`]),
  ];
}
