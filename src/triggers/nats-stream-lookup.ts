/** Finds the stream that stores a subject, if any; caches the result for a minute. */
import type { Logger } from 'pino';
import { errorText, hasErrorName } from '../errors/foreign-errors';

const REMEMBER_MS = 60_000;
const MAX_REMEMBERED = 1_000;

export class StreamLookup {
  private readonly answers = new Map<
    string,
    { readonly stream: Promise<string | undefined>; readonly until: number }
  >();

  /** `find` resolves with the stream's name, or throws. */
  constructor(
    private readonly find: (subject: string) => Promise<string>,
    private readonly log: Logger,
  ) {}

  /** Resolves with undefined if no stream stores the subject, or if this user may not ask. */
  streamOf(subject: string): Promise<string | undefined> {
    const known = this.answers.get(subject);
    if (known && performance.now() < known.until) return known.stream;
    // Parameters may produce an unlimited number of subjects.
    if (this.answers.size >= MAX_REMEMBERED) this.answers.clear();
    const stream = this.find(subject).catch((error: unknown) => this.explainAbsence(subject, error));
    this.answers.set(subject, { stream, until: performance.now() + REMEMBER_MS });
    return stream;
  }

  forget(subject: string): void {
    this.answers.delete(subject);
  }

  private explainAbsence(subject: string, error: unknown): undefined {
    const isPlainNo = hasErrorName(error, 'StreamNotFoundError', 'JetStreamNotEnabled', 'NoResponders');
    if (!isPlainNo) {
      this.log.warn(`cannot query NATS for the stream of ${subject}, publishing without one: ${errorText(error)}`);
    }
    return undefined;
  }
}
