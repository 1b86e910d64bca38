import process from 'node:process';
import TestRunner, { type Test, type TestEvents, type TestRunnerOptions, type TestWatcher } from 'jest-runner';

/** With more failed suites than these, something is broken: nothing is run again. */
const MOST_SUITES = 12;

type GlobalConfig = ConstructorParameters<typeof TestRunner>[0];
type Context = ConstructorParameters<typeof TestRunner>[1];

interface FailedSuite {
  readonly test: Test;
  readonly message: string;
  /** Passes the failure on to who listens. */
  report(): void | Promise<void>;
}

/**
 * Runs suites that failed once more when all others have ended, one at a time. A suite that fails again fails the run.
 * One that passes depends on time or on its neighbours: its first failure is printed, and it is named at the end.
 */
export default class SecondTryRunner extends TestRunner {
  readonly #alone: TestRunner;
  readonly #failed = new Map<string, FailedSuite>();
  readonly #ranAlone = new Map<string, 'passed' | 'failed'>();

  constructor(globalConfig: GlobalConfig, context: Context) {
    super(globalConfig, context);
    this.#alone = new TestRunner({ ...globalConfig, maxWorkers: 1 }, context);
    // Who asks to stop at the first failure is told of it at once.
    if (globalConfig.bail > 0 || globalConfig.watch || globalConfig.watchAll) return;
    // Before all other listeners, which `on` holds back for the suites that are noted here.
    super.on('test-file-success', ([test, result]) => {
      const failed = result.numFailingTests > 0 || result.testExecError !== undefined;
      if (failed) this.#note(test, result.failureMessage ?? result.testExecError?.message ?? '');
    });
    super.on('test-file-failure', ([test, error]) => this.#note(test, error.stack ?? error.message));
    this.#alone.on('test-file-success', ([test, result]) => {
      const failed = result.numFailingTests > 0 || result.testExecError !== undefined;
      this.#ranAlone.set(test.path, failed ? 'failed' : 'passed');
    });
    this.#alone.on('test-file-failure', ([test]) => void this.#ranAlone.set(test.path, 'failed'));
  }

  override on<Name extends keyof TestEvents>(
    name: Name,
    listener: (event: TestEvents[Name]) => void | Promise<void>,
  ): () => void {
    const first = super.on(name, (event) => {
      const [suite] = event;
      const failed = typeof suite === 'string' ? undefined : this.#failed.get(suite.path);
      if (failed === undefined) return listener(event);
      failed.report = () => listener(event);
    });
    // A suite starts once for those who listen, however often it is tried.
    const second = name === 'test-file-start' ? undefined : this.#alone.on(name, listener);
    return () => {
      first();
      second?.();
    };
  }

  override async runTests(tests: Test[], watcher: TestWatcher, options: TestRunnerOptions): Promise<void> {
    await super.runTests(tests, watcher, options);
    const failed = [...this.#failed.values()];
    if (failed.length === 0) return;
    if (tests.length === 1 || failed.length > MOST_SUITES || watcher.isInterrupted()) {
      for (const suite of failed) await suite.report();
      return;
    }
    for (const { test, message } of failed) print(`${test.path} failed, and is run again alone:\n${message}`);
    await this.#alone.runTests(
      failed.map(({ test }) => test),
      watcher,
      options,
    );
    // Whatever kept a suite from being run again, its failure counts.
    for (const suite of failed) if (!this.#ranAlone.has(suite.test.path)) await suite.report();
    const passed = [...this.#ranAlone].filter(([, outcome]) => outcome === 'passed').map(([path]) => path);
    if (passed.length > 0) print(['Passed only when run again alone:', ...passed].join('\n  '));
  }

  #note(test: Test, message: string): void {
    this.#failed.set(test.path, { test, message, report: () => undefined });
  }
}

function print(text: string): void {
  process.stderr.write(`\n${text}\n\n`);
}
