/**
 * Reads `argoWorkflow.args` as Argo's command line would: people have these lists in their manifests.
 *
 * Options that only shape what the command prints are accepted and do nothing; options that we cannot honour are
 * refused, because ignoring them would do something else than was asked.
 */
import { SluiceError } from '../../errors';
import type { ArgoWorkflowOperation } from '../../manifest/triggers/kubernetes';

export interface ArgoOptions {
  name?: string;
  generateName?: string;
  namespace?: string;
  entrypoint?: string;
  serviceAccount?: string;
  instanceId?: string;
  priority?: number;
  scheduledTime?: string;
  message?: string;
  nodeFieldSelector?: string;
  memoized?: boolean;
  restartSuccessful?: boolean;
  /** `k=v,k2=v2`, parsed. */
  labels?: Record<string, string>;
  /** In the order given. */
  parameters: { name: string; value: string }[];
}

type Apply = (options: ArgoOptions, value: string) => void;
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

const OPTIONS: Readonly<Record<string, Option>> = {
  entrypoint: { operations: SUBMITS, apply: (options, value) => (options.entrypoint = value) },
  'generate-name': { operations: SUBMITS, apply: (options, value) => (options.generateName = value) },
  instanceid: { operations: 'all', apply: (options, value) => (options.instanceId = value) },
  labels: {
    operations: SUBMITS,
    short: 'l',
    apply: (options, value) => (options.labels = { ...options.labels, ...parseLabels(value) }),
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
    operations: ['resume', 'stop', 'retry'],
    apply: (options, value) => (options.nodeFieldSelector = value),
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
  'scheduled-time': { operations: ['submit-from'], apply: (options, value) => (options.scheduledTime = value) },
  serviceaccount: { operations: SUBMITS, apply: (options, value) => (options.serviceAccount = value) },
  strict: { operations: SUBMITS, isSwitch: true, apply: nothing },
  verbose: { operations: 'all', short: 'v', isSwitch: true, apply: nothing },
  wait: { operations: WITH_PARAMETERS, short: 'w', isSwitch: true, apply: nothing },
  watch: { operations: WITH_PARAMETERS, isSwitch: true, apply: nothing },
  log: { operations: WITH_PARAMETERS, isSwitch: true, apply: nothing },
};

/** Throws MANIFEST_INVALID (final) naming the argument that is unknown, unsupported or badly formed. */
export function parseArgoArguments(args: readonly string[], operation: ArgoWorkflowOperation): ArgoOptions {
  const options: ArgoOptions = { parameters: [] };
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? '';
    const { name, option, value } = readArgument(argument, operation, index);
    if (value !== undefined) option.apply(options, value);
    else if (option.isSwitch) option.apply(options, 'true');
    else {
      const next = args[++index];
      if (next === undefined) throw invalid(`args[${index - 1}]: --${name} needs a value`);
      option.apply(options, next);
    }
  }
  return options;
}

function readArgument(
  argument: string,
  operation: ArgoWorkflowOperation,
  index: number,
): { name: string; option: Option; value: string | undefined } {
  const long = /^--([a-z-]+)(?:=([\s\S]*))?$/.exec(argument);
  const short = long ? null : /^-([a-z])(?:=?([\s\S]+))?$/i.exec(argument);
  const given = long?.[1] ?? short?.[1];
  if (given === undefined) {
    throw invalid(`args[${index}]: expected an option such as --name=value, found "${argument}"`);
  }
  const name = long ? given : Object.keys(OPTIONS).find((candidate) => OPTIONS[candidate]?.short === given);
  const option = name === undefined ? undefined : OPTIONS[name];
  if (name === undefined || !option || !isAllowed(option, operation)) {
    const known = Object.keys(OPTIONS).filter((candidate) => isAllowed(OPTIONS[candidate], operation));
    throw invalid(
      `args[${index}]: option ${argument.split('=')[0] ?? ''} is not supported for ${operation}; supported are ` +
        known.map((candidate) => `--${candidate}`).join(', '),
    );
  }
  return { name, option, value: long ? long[2] : short?.[2] };
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
  if (/^(true|t|1)$/i.test(value)) return true;
  if (/^(false|f|0)$/i.test(value)) return false;
  throw invalid(`--${name} expects true or false, found "${value}"`);
}

function parseInteger(name: string, value: string): number {
  if (/^[-+]?\d+$/.test(value)) return Number(value);
  throw invalid(`--${name} expects a whole number, found "${value}"`);
}

function invalid(message: string): SluiceError {
  return new SluiceError('MANIFEST_INVALID', {
    message: `argoWorkflow.${message.startsWith('args') ? message : `args: ${message}`}`,
    fix: 'Correct the args of the argoWorkflow trigger',
  });
}
