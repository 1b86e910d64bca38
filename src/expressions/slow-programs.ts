/** Tracks slow programs, so that one tenant's scripts do not hold up the threads that all tenants share. */
import type { ExpressionRequest } from './engine';

/** Per worker; the ones seen longest ago are evicted first. */
const MAX_REMEMBERED = 1_000;
/** A program may have been slow only for the data that it had then. */
const FORGET_AFTER_MS = 10 * 60_000;
/** YAML has no program: every text is new. Below this size even the worst case takes milliseconds. */
const LARGE_YAML = 16 * 1024;

export class SlowPrograms {
  /** Program → when it was last seen to be slow. */
  private readonly seen = new Map<string, number>();

  constructor(private readonly now: () => number = Date.now) {}

  add(request: ExpressionRequest): void {
    const program = programOf(request);
    this.seen.delete(program);
    this.seen.set(program, this.now());
    const [oldest] = this.seen.keys();
    if (this.seen.size > MAX_REMEMBERED && oldest !== undefined) this.seen.delete(oldest);
  }

  has(request: ExpressionRequest): boolean {
    if (request.kind === 'yaml') return request.text.length > LARGE_YAML;
    // The usual case: saves building the program's name.
    if (this.seen.size === 0) return false;
    const at = this.seen.get(programOf(request));
    return at !== undefined && this.now() - at < FORGET_AFTER_MS;
  }
}

/** What differs from event to event; in YAML, every text is new. */
const FIELDS_OF_EVENTS = new Set(['data', 'input', 'value', 'isJson', 'document', 'text']);

/** The part of a request that is the same for every event. */
export function programOf(request: ExpressionRequest): string {
  return JSON.stringify(Object.entries(request).filter(([field]) => !FIELDS_OF_EVENTS.has(field)));
}
