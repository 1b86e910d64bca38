/** Which stream stores a subject, if any: asked once and remembered for a minute. */
import type { Logger } from 'pino';
import { errorText, hasErrorName } from '../errors/foreign-errors';

const REMEMBER_MS = 60_000;
const MAX_REMEMBERED = 1_000;

export class StreamLookup {
  private readonly answers = new Map<
    string,
    { readonly stream: Promise<string | undefined>; readonly until: number }
  >();

  /** `find` answers with the stream's name, or throws. */
  constructor(
    private readonly find: (subject: string) => Promise<string>,
    private readonly log: Logger,
  ) {}

  /** Undefined where no stream stores the subject, and where this user may not ask. */
  streamOf(subject: string): Promise<string | undefined> {
    const known = this.answers.get(subject);
    if (known && performance.now() < known.until) return known.stream;
    // Subjects may come from parameters without end.
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
      this.log.warn(`cannot ask NATS for the stream of ${subject}, publishing without one: ${errorText(error)}`);
    }
    return undefined;
  }
}
