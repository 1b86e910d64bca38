/**
 * Which priorities of a tenant were active of late. Less urgent work leaves a part of a shared resource unused while
 * more urgent work comes now and then, so that it need not wait until something is returned.
 */
const ACTIVE_FOR_MS = 10_000;

export class ActivePriorities {
  /** Tenant → priority → when it was last active. */
  private readonly seen = new Map<string, Map<number, number>>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  note(tenant: string, priority: number): void {
    const priorities = this.seen.get(tenant) ?? new Map<number, number>();
    this.seen.set(tenant, priorities.set(priority, this.now()));
  }

  /** True if the tenant had more urgent work (a smaller number) within the last ten seconds. */
  isOutranked(tenant: string, priority: number): boolean {
    const since = this.now() - ACTIVE_FOR_MS;
    return [...(this.seen.get(tenant) ?? [])].some(([other, at]) => other < priority && at > since);
  }
}
