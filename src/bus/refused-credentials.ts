/** Handles a connection whose credentials the server refuses: they are read again, at growing intervals. */
import { errors } from '@nats-io/transport-node';
import { describeError } from '../errors/sluice-error';
import type { BusCredentials } from './credentials';

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;
const REFRESH_AT_MOST_EVERY_MS = 1_000;

/** Returns true for a wrong or expired user, password, token, key or JWT, of the user or of its account. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) return true;
  return error instanceof errors.ProtocolError && /authentication (expired|revoked)/i.test(error.message);
}

/** Determines the pause before the next attempt to connect. */
export class Refusals {
  private count = 0;

  /** Returns true for the first one since the connection was lost. */
  add(): boolean {
    this.count += 1;
    return this.count === 1;
  }

  clear(): void {
    this.count = 0;
  }

  delayMs(): number {
    const delay = Math.min(FIRST_DELAY_MS * 2 ** Math.min(this.count, 10), LONGEST_DELAY_MS);
    // Workers that lost the server together must not reconnect together.
    return delay + Math.random() * (delay / 2);
  }
}

/** Reads credentials again in the background, one read at a time. */
export class Refresher {
  private isReading = false;
  private readAt = -Infinity;

  /** `onRead`: receives the reason why they cannot be read, or undefined. */
  constructor(
    private readonly credentials: BusCredentials,
    private readonly onRead: (problem: string | undefined) => void,
  ) {}

  refresh(): void {
    if (this.isReading || performance.now() - this.readAt < REFRESH_AT_MOST_EVERY_MS) return;
    this.isReading = true;
    this.readAt = performance.now();
    this.credentials
      .refresh()
      .then(
        () => this.onRead(undefined),
        (error: unknown) => this.onRead(`the credentials cannot be read again: ${describeError(error)}`),
      )
      .finally(() => {
        this.isReading = false;
      });
  }
}
