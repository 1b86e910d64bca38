import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundle } from '@temporalio/worker';
import { repoRoot } from '../../dev/repo-root';
import { roomOf, rooms } from '../repo/rooms';

/** Measured 961,000 without its source map, most of it the SDK. Raise it only for something that workflows need. */
const BUDGET_BYTES = 970_000;

/** A statement of a module that may change later. */
const STATE =
  /^(?:export )?(?:(?:let|var) \w+|const \w+(?:: (?:Map|Set|WeakMap|\w+\[\])\b.*?)? = new (?:Map|Set|WeakMap)<)/gm;

/** Bundling takes some seconds of one core, and longer on a busy machine. */
const BUNDLING_TIMEOUT_MS = 120_000;

describe('the workflow bundle', () => {
  let bundle: WorkflowBundle;
  /** By their paths from the root. */
  let modules: readonly string[];

  beforeAll(async () => {
    // Without `ignoreModules`: whatever the sandbox forbids fails here.
    bundle = await bundleWorkflowCode({
      workflowsPath: require.resolve('../../workflows'),
      logger: new DefaultLogger('ERROR'),
    });
    modules = modulesOf(bundle);
  }, BUNDLING_TIMEOUT_MS);

  it('stays small, because each thread of a worker evaluates it', () => {
    const [code = ''] = bundle.code.split('//# sourceMappingURL=');
    expect(code.length).toBeGreaterThan(100_000);
    expect(code.length).toBeLessThan(BUDGET_BYTES);
  });

  it('contains no validator, client or Node module', () => {
    const forbidden =
      /node_modules\/(zod|@kubernetes|@nats-io|ioredis|yaml|pino|@temporalio\/(client|worker|activity))\//;
    expect(modules.filter((name) => forbidden.test(name))).toEqual([]);
  });

  it('contains all code of the sandbox folders, and no other code of the product', () => {
    const product = modules.filter((name) => name.startsWith('dist/')).map((name) => name.slice('dist/'.length));
    const roomsInside = new Set(product.map((name) => roomOf(name)));
    expect(roomsInside).toContain('workflows/sensor');
    expect([...roomsInside].filter((room) => room === undefined || !rooms[room]?.sandbox)).toEqual([]);
  });

  it('keeps no state in its modules, which all workflows of a worker share', () => {
    const product = modules.filter((name) => /^dist\/.*\.js$/.test(name));
    const stateful = product.flatMap((name) => {
      const path = name.replace(/^dist\/(.*)\.js$/, '$1.ts');
      const source = readFileSync(join(repoRoot, path), 'utf8');
      return [...source.matchAll(STATE)].map(([line]) => `${path}: ${line}`);
    });
    expect(stateful).toEqual([]);
    expect('let mutable = 1;\nconst kept = new Map<string, string>();'.match(STATE)).toHaveLength(2);
  });
});

function modulesOf({ code }: WorkflowBundle): string[] {
  const names = [...code.matchAll(/^\s*!\*\*\* (\S+)/gm)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(20);
  return names.map((name) => relative(repoRoot, name));
}
