/**
 * Which tenants share a resource at present. A tenant that is alone may use all of it; one that is not leaves a part
 * unused, so that the others need not wait until it returns something.
 */
const ACTIVE_FOR_MS = 10_000;

export class ActiveTenants {
  /** Tenant → when it was last active; the latest is the last. */
  private readonly seen = new Map<string, number>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  note(tenant: string): void {
    this.seen.delete(tenant);
    this.seen.set(tenant, this.now());
  }

  /** Returns the other tenants that were active within the last ten seconds. */
  othersThan(tenant: string): string[] {
    for (const [other, at] of this.seen) {
      if (this.now() - at < ACTIVE_FOR_MS) break;
      this.seen.delete(other);
    }
    return [...this.seen.keys()].filter((other) => other !== tenant);
  }
}
