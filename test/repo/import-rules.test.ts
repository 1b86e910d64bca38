import { execFileSync } from 'node:child_process';
import { repoRoot } from '../../dev/repo-root';

/** Imports that lint must refuse, as a file of this name would hold them. */
const REFUSED = {
  "a workflow that imports an activity's value": [
    'workflows/run/some.ts',
    "import { createListenActivities } from '../../activities/listener/listen';\nvoid createListenActivities;\n",
  ],
  'a run that imports a parser and a client': [
    'src/sandbox/run/some.ts',
    "import { parse } from 'yaml';\nimport { Kafka } from 'kafkajs';\nvoid [parse, Kafka];\n",
  ],
  'an event that imports a Node module without `node:`': [
    'src/event/some.ts',
    "import { readFileSync } from 'fs';\nvoid readFileSync;\n",
  ],
  'a contract that imports a schema as a value': [
    'src/contract/some.ts',
    "import { sensorSpec } from '../manifest/sensor';\nvoid sensorSpec;\n",
  ],
  'a source that knows the bus, by a type alone': [
    'src/sources/some.ts',
    "import type { Bus } from '../bus/bus';\nexport type Known = Bus;\n",
  ],
  'a control plane that prints': [
    'src/control/some.ts',
    "import { createOutput } from '../cli/printing/output';\nvoid createOutput;\n",
  ],
  'a worker that runs a command': [
    'workers/some.ts',
    "import { apply } from '../src/cli/commands/apply';\nvoid apply;\n",
  ],
  'a product that imports what starts servers for tests': [
    'src/bus/some.ts',
    "import { startNats } from '../../dev/nats';\nvoid startNats;\n",
  ],
} as const;

const ALLOWED = {
  'a contract that imports the type of a schema': [
    'src/contract/some.ts',
    "import type { SensorSpec } from '../manifest/sensor';\nexport type Known = SensorSpec;\n",
  ],
  'a workflow that imports the contract of its activities': [
    'workflows/run/some.ts',
    "import type { SensorActivities } from '../../src/contract/activities';\nexport type Known = SensorActivities;\n",
  ],
} as const;

const IMPORT_RULES = ['import-x/no-restricted-paths', '@typescript-eslint/no-restricted-imports'];

/** The names of the cases of which an import is refused. */
function refusedBy(cases: Readonly<Record<string, readonly [file: string, text: string]>>): string[] {
  const program = `
    const { ESLint } = require('eslint');
    const lint = async () => {
      const ruleFilter = ({ ruleId }) => ${JSON.stringify(IMPORT_RULES)}.includes(ruleId);
      // None of these rules needs types, which take long to load.
      const overrideConfig = { languageOptions: { parserOptions: { projectService: false } } };
      const eslint = new ESLint({ ruleFilter, overrideConfig });
      const refused = [];
      for (const [name, [filePath, text]] of Object.entries(${JSON.stringify(cases)})) {
        const [{ messages }] = await eslint.lintText(text, { filePath });
        // Each import of a case is refused, or none.
        if (messages.length === text.split('import').length - 1) refused.push(name);
        else if (messages.length > 0) throw new Error(name + ': ' + JSON.stringify(messages));
      }
      process.stdout.write(JSON.stringify(refused));
    };
    lint().catch((error) => { console.error(error); process.exit(1); });`;
  return JSON.parse(execFileSync(process.execPath, ['-e', program], { cwd: repoRoot, encoding: 'utf8' })) as string[];
}

describe('lint', () => {
  it('refuses imports across the borders of rooms and of the workflow sandbox, and no other', () => {
    expect(refusedBy({ ...REFUSED, ...ALLOWED })).toEqual(Object.keys(REFUSED));
  });
});
