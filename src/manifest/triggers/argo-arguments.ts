/**
 * Reads `argoWorkflow.args` as Argo's command line would, because existing manifests contain such lists.
 *
 * Options that only affect the command's output are accepted and have no effect; unsupported options are rejected,
 * because ignoring them would do something else than was requested.
 */
import { SluiceError } from '../../errors/sluice-error';
import { closestMatch } from '../../text/closest-match';
import type { ArgoWorkflowOperation } from './kubernetes';

export interface ArgoOptions {
  name?: string;
  generateName?: string;
  namespace?: string;
  entrypoint?: string;
  serviceAccount?: string;
  instanceId?: string;
  priority?: number;
  scheduledTime?: string;
  /** Whether unknown fields of the Workflow are rejected; default true. */
  strict?: boolean;
  message?: string;
  nodeFieldSelector?: string;
  memoized?: boolean;
  restartSuccessful?: boolean;
  /** `k=v,k2=v2`, parsed. */
  labels?: Record<string, string>;
  /** In the order given. */
  parameters: { name: string; value: string }[];
}

type Apply = (options: ArgoOptions, value: string, operation: ArgoWorkflowOperation) => void;
interface Option {
  readonly operations: readonly ArgoWorkflowOperation[] | 'all';
  readonly short?: string;
  /** A switch takes no value: `--memoized`, `--memoized=false`. */
  readonly isSwitch?: true;
  readonly apply: Apply;
}

const SUBMITS = ['submit', 'submit-from'] as const;
const WITH_PARAMETERS = [...SUBMITS, 'resubmit', 'retry'] as const;
const nothing: Apply = () => undefined;
const ignoreSwitch =
  (name: string): Apply =>
  (_options, value) =>
    void parseSwitch(name, value);

const OPTIONS: Readonly<Record<string, Option>> = {
  entrypoint: { operations: SUBMITS, apply: (options, value) => (options.entrypoint = value) },
  'generate-name': { operations: SUBMITS, apply: (options, value) => (options.generateName = value) },
  instanceid: { operations: 'all', apply: (options, value) => (options.instanceId = value) },
  labels: {
    operations: SUBMITS,
    short: 'l',
    // As on a command line, the last of several takes effect.
    apply: (options, value) => (options.labels = parseLabels(value)),
  },
  loglevel: { operations: 'all', apply: nothing },
  memoized: {
    operations: ['resubmit'],
    isSwitch: true,
    apply: (options, value) => (options.memoized = parseSwitch('memoized', value)),
  },
  message: { operations: ['stop'], apply: (options, value) => (options.message = value) },
  name: { operations: SUBMITS, apply: (options, value) => (options.name = value) },
  namespace: { operations: 'all', short: 'n', apply: (options, value) => (options.namespace = value) },
  'node-field-selector': {
    operations: ['resume', 'stop', 'retry', ...SUBMITS],
    // `argo submit` uses it only to choose what --watch shows.
    apply: (options, value, operation) => {
      if (operation !== 'submit' && operation !== 'submit-from') options.nodeFieldSelector = value;
    },
  },
  output: { operations: 'all', short: 'o', apply: nothing },
  parameter: {
    operations: WITH_PARAMETERS,
    short: 'p',
    apply: (options, value) => options.parameters.push(parseParameter(value)),
  },
  // Argo does not pass it on for --from and resubmit either; accepted there so that a manifest stays valid.
  priority: {
    operations: [...SUBMITS, 'resubmit'],
    apply: (options, value) => (options.priority = parseInteger('priority', value)),
  },
  'restart-successful': {
    operations: ['retry'],
    isSwitch: true,
    apply: (options, value) => (options.restartSuccessful = parseSwitch('restart-successful', value)),
  },
  'scheduled-time': {
    operations: SUBMITS,
    apply: (options, value) => (options.scheduledTime = parseTime('scheduled-time', value)),
  },
  serviceaccount: { operations: SUBMITS, apply: (options, value) => (options.serviceAccount = value) },
  // Chooses what `argo submit --watch` shows.
  status: { operations: SUBMITS, apply: nothing },
  strict: {
    operations: SUBMITS,
    isSwitch: true,
    apply: (options, value) => (options.strict = parseSwitch('strict', value)),
  },
  verbose: { operations: 'all', short: 'v', isSwitch: true, apply: ignoreSwitch('verbose') },
  wait: { operations: WITH_PARAMETERS, short: 'w', isSwitch: true, apply: ignoreSwitch('wait') },
  watch: { operations: WITH_PARAMETERS, isSwitch: true, apply: ignoreSwitch('watch') },
  log: { operations: WITH_PARAMETERS, isSwitch: true, apply: ignoreSwitch('log') },
};

/** Options of the argo command that are not supported here, and what to use instead. */
const REFUSED: Readonly<Record<string, string>> = {
  'parameter-file': 'Write each of its values as --parameter NAME=VALUE: a worker has no such file.',
  'dry-run': 'Remove it: `sluice test` shows what a trigger would create.',
  'server-dry-run': 'Remove it: `sluice test` shows what a trigger would create.',
  from: 'Use operation submit-from; the source of the trigger names the template.',
  selector: 'Remove it: the operation works on the one Workflow that the source names.',
  'field-selector': 'Remove it: the operation works on the one Workflow that the source names.',
  ...Object.fromEntries(
    ['kubeconfig', 'context', 'cluster', 'user', 'server', 'token', 'argo-server', 'as', 'request-timeout'].map(
      (name) => [name, 'Remove it: the worker knows its cluster.'],
    ),
  ),
};

export interface ArgumentMistake {
  /** Position in the list. */
  readonly index: number;
  readonly message: string;
  readonly fix?: string;
}

/** Throws MANIFEST_INVALID (permanent) naming the argument that is unknown, unsupported or malformed. */
export function parseArgoArguments(args: readonly string[], operation: ArgoWorkflowOperation): ArgoOptions {
  const { options, mistakes } = readArgoArguments(args, operation);
  const [first] = mistakes;
  if (first === undefined) return options;
  throw new SluiceError('MANIFEST_INVALID', {
    message: `argoWorkflow.args[${first.index}]: ${first.message}`,
    fix: first.fix ?? 'Correct the args of the argoWorkflow trigger',
  });
}

/** The options that can be read, and every argument that cannot. */
export function readArgoArguments(
  args: readonly string[],
  operation: ArgoWorkflowOperation,
): { options: ArgoOptions; mistakes: readonly ArgumentMistake[] } {
  const options: ArgoOptions = { parameters: [] };
  const mistakes: ArgumentMistake[] = [];
  for (let index = 0; index < args.length; index++) {
    const given = readOptions(args[index] ?? '', operation);
    if ('message' in given) {
      mistakes.push({ index, ...given });
      // Skips what is probably its value, so that it is not reported as another mistake.
      if (!(args[index] ?? '').includes('=') && !(args[index + 1] ?? '-').startsWith('-')) index++;
      continue;
    }
    const at = index;
    for (const { name, option, value } of given.found) {
      let text = value ?? (option.isSwitch ? 'true' : undefined);
      if (text === undefined) text = args[++index];
      if (text === undefined) {
        mistakes.push({ index: at, message: `--${name} needs a value`, fix: `Write --${name}=VALUE.` });
        break;
      }
      try {
        option.apply(options, text, operation);
      } catch (error) {
        if (!(error instanceof ValueMistake)) throw error;
        mistakes.push({ index: at, message: error.message });
      }
    }
  }
  return { options, mistakes };
}

interface FoundOption {
  readonly name: string;
  readonly option: Option;
  readonly value: string | undefined;
}
type Refusal = Omit<ArgumentMistake, 'index'>;

/** One long option, or several short ones: `-wv`, `-wp a=1`, `-pa=1`. */
function readOptions(argument: string, operation: ArgoWorkflowOperation): { found: FoundOption[] } | Refusal {
  const [, name, value] = /^--([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(argument) ?? [];
  if (name !== undefined) {
    const option = find(name, operation);
    return option === undefined ? refuseOption(name, argument, operation) : { found: [{ name, option, value }] };
  }
  if (!/^-[A-Za-z]/.test(argument)) {
    return { message: `expected an option such as --name=value, found "${argument}"` };
  }
  const found: FoundOption[] = [];
  for (let rest = argument.slice(1); rest !== '';) {
    const long = Object.keys(OPTIONS).find((candidate) => OPTIONS[candidate]?.short === rest[0]);
    const option = long === undefined ? undefined : find(long, operation);
    if (long === undefined || option === undefined) {
      return refuseOption(long ?? (rest[0] === 'f' ? 'parameter-file' : ''), `-${rest.slice(0, 1)}`, operation);
    }
    rest = rest.slice(1);
    const isLast = !option.isSwitch || rest.startsWith('=');
    found.push({ name: long, option, value: isLast && rest !== '' ? rest.replace(/^=/, '') : undefined });
    if (isLast) break;
  }
  return { found };
}

function find(name: string, operation: ArgoWorkflowOperation): Option | undefined {
  const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
  return isAllowed(option, operation) ? option : undefined;
}

function refuseOption(name: string, argument: string, operation: ArgoWorkflowOperation): Refusal {
  const known = Object.keys(OPTIONS).filter((candidate) => isAllowed(OPTIONS[candidate], operation));
  const written = argument.split('=')[0] ?? '';
  const message =
    `option ${written} is not supported for ${operation}; supported are ` +
    known.map((candidate) => `--${candidate}`).join(', ');
  const elsewhere = Object.hasOwn(OPTIONS, name) ? OPTIONS[name]?.operations : undefined;
  if (elsewhere !== undefined && elsewhere !== 'all') {
    return { message, fix: `Remove it: --${name} is an option of ${elsewhere.join(', ')}.` };
  }
  const advice = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
  const meant = name === '' ? undefined : closestMatch(name, known);
  return { message, fix: advice ?? (meant === undefined ? 'Remove it.' : `Did you mean --${meant}?`) };
}

function isAllowed(option: Option | undefined, operation: ArgoWorkflowOperation): boolean {
  return option !== undefined && (option.operations === 'all' || option.operations.includes(operation));
}

function parseParameter(text: string): { name: string; value: string } {
  const at = text.indexOf('=');
  if (at < 0) throw invalid(`--parameter expects NAME=VALUE, found "${text}"`);
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}

function parseLabels(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split(',')
      .filter((item) => item !== '')
      .map((item) => {
        const [name, value, ...rest] = item.split('=');
        if (!name || value === undefined || rest.length > 0) throw invalid(`--labels expects a=b,c=d, found "${item}"`);
        return [name, value];
      }),
  );
}

function parseSwitch(name: string, value: string): boolean {
  if (/^(true|True|TRUE|t|T|1)$/.test(value)) return true;
  if (/^(false|False|FALSE|f|F|0)$/.test(value)) return false;
  throw invalid(`--${name} expects true or false, found "${value}"`);
}

function parseTime(name: string, value: string): string {
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(value);
  if (isTime && !Number.isNaN(Date.parse(value))) return value;
  throw invalid(`--${name} expects a time such as 2026-01-31T06:00:00Z, found "${value}"`);
}

function parseInteger(name: string, value: string): number {
  if (/^[-+]?\d+$/.test(value) && Math.abs(Number(value)) < 2 ** 31) return Number(value);
  throw invalid(`--${name} expects a whole number, found "${value}"`);
}

/** An invalid value of an option. */
class ValueMistake extends Error {}

function invalid(message: string): ValueMistake {
  return new ValueMistake(message);
}
