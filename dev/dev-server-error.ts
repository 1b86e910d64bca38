/** A server could not be found, built or started. `fix` is advice for the user. */
export class DevServerError extends Error {
  override readonly name = 'DevServerError';

  constructor(
    message: string,
    readonly fix?: string,
    options?: ErrorOptions,
  ) {
    super(fix === undefined ? message : `${message}\n  Fix: ${fix}`, options);
  }
}

/** The port we had chosen was taken by another process before the server could bind it. */
export class PortTakenError extends DevServerError {}
