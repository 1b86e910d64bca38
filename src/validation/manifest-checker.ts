/**
 * Checks manifests of authors that must not hold up the others: in a thread, with a deadline.
 *
 * The checks advise people, so their work grows faster than a manifest, and whoever may write an object of the cluster,
 * or may call the admission webhook, chooses what is checked.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describeError } from '../errors/sluice-error';
import type { ExpressionSyntax } from '../expressions/expression-syntax';
import type { SyntaxAnswer, SyntaxQuestion, ThreadOrder, ThreadReport } from './checking-thread-messages';
import type { LoadedManifests } from './load-manifests';

/** Reads the JSON of one manifest, and reports its problems. Throws if they cannot be found out now. */
export type CheckManifest = (manifest: string) => Promise<LoadedManifests>;

export interface ManifestChecker {
  readonly check: CheckManifest;
  close(): Promise<void>;
}

const THREAD_ENTRY = join(__dirname, 'checking-thread.js');
/** Wall-clock time, so it allows for a busy machine: the largest of real manifests take less than a second. */
const DEADLINE_MS = 8_000;
const IDLE_MS = 60_000;
const HEAP_MB = 256;

/** @param deadlineMs after which a manifest is refused as too costly; default 8,000 */
export function createManifestChecker(expressions: ExpressionSyntax, deadlineMs = DEADLINE_MS): ManifestChecker {
  const thread = new CheckingThread(expressions, deadlineMs);
  let last: Promise<unknown> = Promise.resolve();
  return {
    check: (manifest) => {
      const checked = last.then(() => thread.check(manifest));
      last = checked.catch(() => undefined);
      return checked;
    },
    close: () => thread.end(),
  };
}

class CheckingThread {
  private worker: Worker | undefined;
  private idle: NodeJS.Timeout | undefined;
  private settle: (report: Exclude<ThreadReport, { kind: 'question' }>) => void = () => undefined;

  constructor(
    private readonly expressions: ExpressionSyntax,
    private readonly deadlineMs: number,
  ) {}

  async check(manifest: string): Promise<LoadedManifests> {
    clearTimeout(this.idle);
    const worker = (this.worker ??= this.start());
    const report = await new Promise<Exclude<ThreadReport, { kind: 'question' }>>((resolve) => {
      const deadline = setTimeout(() => {
        void this.end();
        resolve({ kind: 'checked', manifests: refusal(`checking it took more than ${this.deadlineMs / 1_000} s`) });
      }, this.deadlineMs);
      this.settle = (settled) => {
        clearTimeout(deadline);
        resolve(settled);
      };
      worker.ref();
      worker.postMessage({ kind: 'check', manifest } satisfies ThreadOrder);
    });
    worker.unref();
    this.idle = setTimeout(() => void this.end(), IDLE_MS).unref();
    if (report.kind === 'failed') throw new Error(report.message);
    return report.manifests;
  }

  async end(): Promise<void> {
    clearTimeout(this.idle);
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }

  private start(): Worker {
    const worker = new Worker(THREAD_ENTRY, {
      env: {},
      execArgv: [],
      stdin: false,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    worker.on('message', (report: ThreadReport) => {
      if (report.kind !== 'question') return this.settle(report);
      void this.answer(report.question).then((answer) => {
        worker.postMessage({ kind: 'answer', id: report.id, answer } satisfies ThreadOrder);
      });
    });
    worker.on('error', () => {
      if (this.worker === worker)
        this.settle({ kind: 'checked', manifests: refusal('checking it needs too much memory') });
    });
    worker.on('exit', () => {
      // A thread that was ended answers for no later manifest.
      if (this.worker !== worker) return;
      this.worker = undefined;
      this.settle({ kind: 'failed', message: 'the thread that checks manifests has ended' });
    });
    return worker;
  }

  private async answer(question: SyntaxQuestion): Promise<SyntaxAnswer> {
    try {
      if (question.about === 'syntax') {
        const complaint = await this.expressions.check(question.language, question.text);
        return { about: 'syntax', complaint };
      }
      const reading = await this.expressions.readYaml(question.text);
      return { about: 'yaml', reading: reading.ok ? { ok: true } : reading };
    } catch (error) {
      return { about: 'failure', message: describeError(error) };
    }
  }
}

function refusal(message: string): LoadedManifests {
  const problem = {
    severity: 'error' as const,
    file: '',
    object: '',
    path: '',
    message,
    fix: 'Divide it into several objects with fewer, shorter parts.',
  };
  return { documents: [], problems: [problem], skipped: [] };
}
