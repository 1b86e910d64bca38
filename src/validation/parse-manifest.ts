/** Turns a parsed YAML or JSON document into a checked EventBus, EventSource or Sensor. */
import type { z } from 'zod';
import { SluiceError } from '../errors/sluice-error';
import { readEventBusOptions, readEventSourceOptions, readSensorOptions } from '../manifest/annotations';
import type { EventBusOptions, EventSourceOptions, SensorOptions } from '../manifest/annotations';
import { eventBusSchema, type EventBus } from '../manifest/event-bus';
import { eventSourceSchema, type EventSource } from '../manifest/event-source';
import { fitToSchema, isOfOtherVersion } from './fit-to-schema';
import { isFields } from '../manifest/fields';
import { hoistTriggerFields } from './misplaced-fields';
import { formatPath, formatProblem, type Finding, type Problem } from '../manifest/problem';
import { schemaFindings } from './schema-findings';
import { sensorSchema, type Sensor } from '../manifest/sensor';
import { validateEventBus } from './validate-event-bus';
import { validateEventSource } from './validate-event-source';
import { validateObjectMeta } from './validate-object-meta';
import { validateSensor } from './validate-sensor';

export const MANIFEST_KINDS = ['EventBus', 'EventSource', 'Sensor'] as const;
export type ManifestKind = (typeof MANIFEST_KINDS)[number];

/** One checked object with its `sluice.io/*` options. */
export type Manifest =
  | { readonly kind: 'EventBus'; readonly object: EventBus; readonly options: EventBusOptions }
  | { readonly kind: 'EventSource'; readonly object: EventSource; readonly options: EventSourceOptions }
  | { readonly kind: 'Sensor'; readonly object: Sensor; readonly options: SensorOptions };

export type ManifestOf<Kind extends ManifestKind> = Extract<Manifest, { kind: Kind }>;

export interface ManifestCheck {
  /** Undefined if there is an error among the findings. */
  readonly manifest?: Manifest;
  readonly findings: readonly Finding[];
}

/** Checks one document of a known kind, except for its expressions (see expressions.ts). */
export function checkManifest(kind: ManifestKind, document: unknown): ManifestCheck {
  switch (kind) {
    case 'EventBus': {
      const { object, findings } = decode('EventBus', eventBusSchema, document);
      if (object === undefined) return { findings };
      const { options, findings: optionFindings } = readEventBusOptions(object.metadata.annotations);
      const more = [...validateEventBus(object, options), ...optionFindings];
      return conclude({ kind, object, options }, [...findings, ...more]);
    }
    case 'EventSource': {
      const { object, findings } = decode('EventSource', eventSourceSchema, document);
      if (object === undefined) return { findings };
      const { options, findings: optionFindings } = readEventSourceOptions(object.metadata.annotations);
      return conclude({ kind, object, options }, [...findings, ...validateEventSource(object), ...optionFindings]);
    }
    case 'Sensor': {
      const hoisted = hoistTriggerFields(document);
      const { object, findings } = decode('Sensor', sensorSchema, hoisted.value);
      if (object === undefined) return { findings: [...hoisted.findings, ...findings] };
      const triggerNames = object.spec.triggers.map((trigger) => trigger.template.name);
      const dependencyNames = object.spec.dependencies.map(({ name }) => name);
      const { annotations } = object.metadata;
      const { options, findings: optionFindings } = readSensorOptions(annotations, triggerNames, dependencyNames);
      return conclude({ kind, object, options }, [
        ...hoisted.findings,
        ...findings,
        ...validateSensor(object),
        ...optionFindings,
      ]);
    }
  }
}

/**
 * A checked EventBus from a parsed document.
 * @throws SluiceError MANIFEST_INVALID whose message lists every error.
 */
export function parseEventBus(document: unknown): ManifestOf<'EventBus'> {
  return parseAs('EventBus', document, (manifest) => manifest.kind === 'EventBus');
}

/**
 * A checked EventSource from a parsed document, with its options. Expressions inside it are not checked.
 * @throws SluiceError MANIFEST_INVALID whose message lists every error.
 */
export function parseEventSource(document: unknown): ManifestOf<'EventSource'> {
  return parseAs('EventSource', document, (manifest) => manifest.kind === 'EventSource');
}

/**
 * A checked Sensor from a parsed document, with its options. Expressions inside it are not checked.
 * @throws SluiceError MANIFEST_INVALID whose message lists every error.
 */
export function parseSensor(document: unknown): ManifestOf<'Sensor'> {
  return parseAs('Sensor', document, (manifest) => manifest.kind === 'Sensor');
}

/** The error that a program receives for problems. */
export function manifestInvalid(problems: readonly Problem[]): SluiceError {
  const errors = problems.filter((problem) => problem.severity === 'error');
  return new SluiceError('MANIFEST_INVALID', {
    message: errors.map(formatProblem).join('\n'),
    fix: errors.find((problem) => problem.fix !== undefined)?.fix,
    context: { problems: errors.length, object: errors[0]?.object, path: errors[0]?.path },
  });
}

/** `Sensor/water-bodies`, as far as the document has these fields. */
export function objectLabel(document: unknown): string {
  if (!isFields(document)) return '';
  const kind = typeof document['kind'] === 'string' ? document['kind'] : '';
  const metadata = document['metadata'];
  const name = isFields(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '';
  return name === '' ? kind : `${kind}/${name}`;
}

function decode<Schema extends z.ZodType>(
  kind: ManifestKind,
  schema: Schema,
  document: unknown,
): { object?: z.infer<Schema>; findings: Finding[] } {
  const { value, findings } = fitToSchema(kind, schema, document);
  const parsed = schema.safeParse(value);
  if (!parsed.success) return { findings: [...findings, ...schemaFindings(parsed.error.issues, value)] };
  return { object: parsed.data, findings: [...findings, ...validateObjectMeta(value)] };
}

function conclude(manifest: Manifest, all: readonly Finding[]): ManifestCheck {
  const findings = withoutConsequences(all);
  return findings.some((finding) => finding.severity === 'error') ? { findings } : { manifest, findings };
}

/** A block that has a field of another version lacks the current one; that is not a second mistake. */
function withoutConsequences(findings: readonly Finding[]): readonly Finding[] {
  const former = findings
    .filter(({ severity, message }) => severity === 'error' && isOfOtherVersion(message))
    .map(({ path }) => path);
  return findings.filter(
    ({ path, severity }) =>
      severity !== 'error' ||
      !former.some(
        (below) => path.length > 1 && path.length < below.length && path.every((key, at) => key === below[at]),
      ),
  );
}

function parseAs<Kind extends ManifestKind>(
  kind: Kind,
  document: unknown,
  isKind: (manifest: Manifest) => manifest is ManifestOf<Kind>,
): ManifestOf<Kind> {
  const { manifest, findings } = checkManifest(kind, document);
  if (manifest !== undefined && isKind(manifest)) return manifest;
  const object = objectLabel(document);
  throw manifestInvalid(findings.map((finding) => ({ ...finding, file: '', object, path: formatPath(finding.path) })));
}
