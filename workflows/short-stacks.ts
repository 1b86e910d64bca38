/**
 * Preloaded into the bundles of Sluice's own workers. The SDK takes and formats a stack for each promise of a workflow,
 * which was two fifths of a run's CPU time. Two frames say where an error was thrown; the stack trace query of Temporal
 * finds none. See docs/decisions/220-workflows-start-cheaply.md.
 */
Error.stackTraceLimit = 2;
