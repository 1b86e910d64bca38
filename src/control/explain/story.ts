/** The story of one event, as `sluice explain -o json` prints it. */

export const STAGES = ['source', 'bus', 'sensor', 'run', 'trigger', 'outcome'] as const;
export type Stage = (typeof STAGES)[number];

export interface TimelineEntry {
  /** RFC 3339. */
  readonly at: string;
  readonly stage: Stage;
  /** One word: published, filtered, fired, parked … */
  readonly what: string;
  /** The rest of the sentence, for display. */
  readonly text: string;
  /** Present as they apply. */
  readonly eventSource?: string;
  readonly bus?: string;
  readonly sequence?: number;
  readonly sensor?: string;
  readonly dependency?: string;
  readonly triggers?: readonly string[];
  readonly clause?: string;
  readonly reason?: string;
  readonly code?: string;
  readonly runId?: string;
  readonly fireId?: string;
  readonly attempts?: number;
  /** `<kind>/<namespace>/<name>` */
  readonly object?: string;
  readonly waitingFor?: readonly string[];
  /** Page of the object in the Argo UI. */
  readonly link?: string;
  /** Key of the event by which an outcome was announced. */
  readonly event?: string;
  readonly by?: string;
  readonly why?: string;
}

/**
 * - `succeeded`, `failed`, `parked`, `firing`, `waiting` (for the outcome), `discarded`: what became of its fires.
 * - `fired`: a run carried it, and nothing else is known.
 * - `joined`: the sensor holds it: it waits for others, is collected with others, or waits for its turn.
 * - `error`: a filter or transform could not be evaluated.
 * - `filtered`, `unmatched`, `rejected`: it fired nothing, as intended.
 * - `replaced`: it waited for others and was replaced or dropped before they came.
 * - `expired`: the bus removed it before the sensor handled it.
 * - `pending`: on the bus, not handled yet.
 * - `unknown`: no record of its fate.
 */
export type VerdictState =
  | 'parked'
  | 'failed'
  | 'error'
  | 'firing'
  | 'waiting'
  | 'joined'
  | 'pending'
  | 'unknown'
  | 'fired'
  | 'succeeded'
  | 'discarded'
  | 'replaced'
  | 'filtered'
  | 'rejected'
  | 'unmatched'
  | 'expired';

export interface SensorVerdict {
  /** `<namespace>/<name>` */
  readonly sensor: string;
  readonly state: VerdictState;
  readonly summary: string;
  /** Advice to the operator. */
  readonly next?: string;
}

export interface Story {
  readonly event: {
    readonly key: string;
    readonly shortId: string;
    readonly id: string;
    readonly source: string;
    readonly subject: string;
    readonly time?: string;
    readonly type?: string;
  };
  readonly timeline: readonly TimelineEntry[];
  readonly verdict: {
    readonly state: VerdictState;
    /** One sentence for each sensor. */
    readonly summary: string;
    /** Advice to the operator, for each sensor that needs attention. */
    readonly next: readonly string[];
    readonly sensors: readonly SensorVerdict[];
  };
  /** Facts that could not be determined, or no longer, and why. */
  readonly unknown: readonly string[];
}
