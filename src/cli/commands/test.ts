/** `sluice test`: shows what a sensor would do with given events, without any server. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { SensorDefinition } from '../../contract/definitions';
import { SluiceError } from '../../errors/sluice-error';
import { isJsonObject, type JsonObject } from '../../event/json';
import { toWorkingCopy } from '../../yaml/exact-numbers';
import { createExpressionEngine } from '../../expressions';
import { planSensor } from '../../sandbox/sensor/sensor-plan';
import { defaultNamespace } from '../../control/applied-kinds';
import { collect, parseDuration } from '../arguments';
import { EXIT_CODES } from '../exit-codes';
import type { CliIo } from '../io';
import { refuseManifests } from '../printing/print-problems';
import type { Output } from '../printing/output';
import { formatProblem } from '../../manifest/problem';
import { readManifests } from '../read-manifests';
import type { RegisterCommand } from '../runtime';
import { expectationText, rehearsalText } from '../printing/describe-rehearsal';
import { findMismatches, parseExpectation } from '../../rehearsal/expectation';
import { createRunPreviews } from '../../rehearsal/preview-run';
import { parseValues, readTestEvents, readText, type TestEvent } from '../../rehearsal/read-events';
import { rehearse } from '../../rehearsal/rehearse';
import { allFires, type Rehearsal } from '../../rehearsal/rehearsal';

interface TestOptions {
  filename: string[];
  event: string[];
  sensor?: string;
  eventSource?: string;
  eventName?: string;
  namespace?: string;
  resource?: Array<readonly [trigger: string, file: string]>;
  wait: number;
  expect?: string;
}

const EXAMPLES = `
Examples:
  sluice test -f sensor.yaml --event event.json
  sluice test -f sensor.yaml --event payload.json --event-source webhook \\
    --event-name push -o json
  sluice test -f sensor.yaml --event events.yaml --expect expected.yaml`;

export const registerTest: RegisterCommand = (program, cli) => {
  program
    .command('test')
    .summary('show what a sensor would do with events, offline')
    .description(
      'Runs events through a Sensor in the order given, and shows transforms, filters, conditions, and the exact object or ' +
        'request that each trigger would send. Sends nothing and contacts no server. With --expect it is a unit test.',
    )
    .requiredOption('-f, --filename <path>', 'manifests: file, folder, or -; may be repeated', collect)
    .requiredOption('--event <path>', 'event or bare data in JSON or YAML, or -; may be repeated', collect)
    .option('--sensor <name>', 'the Sensor, if the manifests hold several')
    .option('--event-source <name>', 'event source of bare data')
    .option('--event-name <name>', 'event name of bare data')
    .option('-n, --namespace <name>', 'Kubernetes namespace (default: the manifest, SLUICE_NAMESPACE, default)')
    .option('--resource <trigger=path>', 'the object of a trigger whose source needs a network', collectResource)
    .addOption(
      new Option('--wait <duration>', 'simulate this much time after the last event')
        .argParser(parseDuration)
        .default(0, '0s'),
    )
    .option('--expect <path>', 'expected result; exit code 1 if it differs')
    .addHelpText('after', EXAMPLES)
    .action(async (options: TestOptions, command: Command) => {
      const output = cli.output(command);
      const { io } = cli;
      if ([...options.filename, ...options.event].filter((path) => path === '-').length > 1) {
        throw new SluiceError('USAGE', { message: 'standard input can be read once, but - is given several times' });
      }
      const definition = await readSensor(options, io, output);
      const expectation =
        options.expect === undefined
          ? undefined
          : parseExpectation(await readText(options.expect, io.stdin), options.expect);
      const events = await readEvents(options, definition, io);
      const rehearsal = await runThrough(definition, events, options, io);
      const mismatches = expectation && findMismatches(expectation, rehearsal);
      const isPassed = mismatches === undefined ? !hasFailure(rehearsal) : mismatches.length === 0;
      output.print({
        data: { passed: isPassed, ...rehearsal, ...(mismatches && { mismatches }) },
        table: [
          rehearsalText(rehearsal, output.paint),
          ...(mismatches === undefined ? [] : [expectationText(mismatches, output.paint)]),
        ],
        names: allFires(rehearsal).map(({ trigger }) => trigger),
      });
      if (!isPassed) cli.exitWith(EXIT_CODES.problem);
    });
};

function collectResource(
  text: string,
  previous: ReadonlyArray<readonly [string, string]> = [],
): Array<readonly [string, string]> {
  const [, trigger, file] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (trigger === undefined || file === undefined) throw new InvalidArgumentError('Expected TRIGGER=FILE.');
  return [...previous, [trigger, file]];
}

async function readSensor(options: TestOptions, io: CliIo, output: Output): Promise<SensorDefinition> {
  const { documents, problems } = await readManifests(options.filename, io);
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw refuseManifests(errors, 'Nothing was tested', output);
  for (const warning of problems.filter(({ severity }) => severity === 'warning')) output.note(formatProblem(warning));
  const sensors = documents.flatMap((document) => (document.kind === 'Sensor' ? [document] : []));
  const names = sensors.map(({ object }) => object.metadata.name);
  const chosen = sensors.filter(
    ({ object }) => options.sensor === undefined || object.metadata.name === options.sensor,
  );
  const [sensor] = chosen;
  if (sensor === undefined || chosen.length > 1) {
    throw new SluiceError('USAGE', {
      message: `expected one Sensor${options.sensor === undefined ? '' : ` ${options.sensor}`}, the manifests hold ${names.join(', ') || 'none'}`,
      fix: 'Name one with --sensor',
    });
  }
  const { metadata, spec } = sensor.object;
  const namespace = metadata.namespace ?? options.namespace ?? defaultNamespace(io);
  const bus = { namespace, name: spec.eventBusName || 'default', spec: {} };
  return { namespace, name: metadata.name, spec, options: sensor.options, bus };
}

async function readEvents(options: TestOptions, definition: SensorDefinition, io: CliIo): Promise<TestEvent[]> {
  const { interests } = planSensor(definition.spec, definition.options);
  const [only, ...others] = interests.filter(
    ({ eventSourceName, eventName }) =>
      (options.eventSource ?? eventSourceName) === eventSourceName && (options.eventName ?? eventName) === eventName,
  );
  const certain = others.length === 0 ? only : undefined;
  return await readTestEvents(
    options.event,
    {
      source: options.eventSource ?? certain?.eventSourceName,
      name: options.eventName ?? certain?.eventName,
      known: interests.map(({ eventSourceName, eventName }) => `${eventSourceName} ${eventName}`),
      now: Date.now(),
    },
    io.stdin,
  );
}

async function runThrough(
  definition: SensorDefinition,
  events: readonly TestEvent[],
  options: TestOptions,
  io: CliIo,
): Promise<Rehearsal> {
  const resources = new Map<string, JsonObject>();
  for (const [trigger, file] of options.resource ?? []) {
    const triggers = definition.spec.triggers.flatMap((each) => [each, each.dlqTrigger ?? []].flat());
    if (!triggers.some(({ template }) => template.name === trigger)) {
      throw new SluiceError('USAGE', { message: `--resource: the Sensor has no trigger ${trigger}` });
    }
    const [object, ...others] = parseValues(await readText(file, io.stdin), file);
    const resource = toWorkingCopy(object ?? null);
    if (!isJsonObject(resource) || others.length > 0) {
      throw new SluiceError('USAGE', { message: `--resource: ${file} does not hold exactly one object` });
    }
    resources.set(trigger, resource);
  }
  const engine = createExpressionEngine();
  const previews = createRunPreviews(engine, resources, io.signal);
  try {
    return await rehearse(definition, events, { engine, previewRun: previews.previewRun, waitMs: options.wait });
  } finally {
    await previews.close();
    await engine.close();
  }
}

function hasFailure(rehearsal: Rehearsal): boolean {
  return allFires(rehearsal).some(({ outcome, deadLetter }) => outcome === 'fails' || deadLetter?.outcome === 'fails');
}
