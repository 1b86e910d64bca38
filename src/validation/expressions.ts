/** Finds every expression in a manifest with its language, and checks its syntax. */
import { EVENT_SOURCE_KINDS } from '../kinds/source-kinds';
import { TRIGGER_KINDS } from '../kinds/trigger-kinds';
import type { EventOptions, EventSource } from '../manifest/event-source';
import type { Sensor, TriggerSpec } from '../manifest/sensor';
import type { Dependency } from '../manifest/filters';
import type { TriggerParameter } from '../manifest/parameters';
import type { FieldPath, Finding } from '../manifest/problem';
import type { ExpressionLanguage as CompiledLanguage } from '../expressions/engine';
import type { ExpressionSyntax } from '../expressions/expression-syntax';
import { approximateRegexMistake } from './approximate-regex';
import { explainComplaint } from './expression-mistakes';
import { showPlace, type ExpressionMistake } from './expression-places';
import { parseYamlDocuments } from '../yaml/yaml-documents';

/** `template`: Go template with sprig; `expr`: the filter of an event source; `regex`: RE2. */
type Language = CompiledLanguage | 'yaml';

export interface ExpressionUse {
  readonly path: FieldPath;
  readonly language: Language;
  readonly text: string;
}

const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  jq: 'jq program',
  lua: 'Lua script',
  template: 'Go template',
  govaluate: 'filter expression',
  expr: 'filter expression',
  regex: 'regular expression (RE2)',
  yaml: 'YAML text',
};

export function collectSensorExpressions({ spec }: Pick<Sensor, 'spec'>): ExpressionUse[] {
  return [
    ...spec.dependencies.flatMap((dependency, index) => inDependency(dependency, ['spec', 'dependencies', index])),
    ...spec.triggers.flatMap((trigger, index) => inTrigger(trigger, ['spec', 'triggers', index])),
  ];
}

export function collectEventSourceExpressions({ spec }: Pick<EventSource, 'spec'>): ExpressionUse[] {
  const uses: ExpressionUse[] = [];
  for (const kind of EVENT_SOURCE_KINDS) {
    const events: Readonly<Record<string, EventOptions>> = spec[kind] ?? {};
    for (const [name, event] of Object.entries(events)) {
      const path = ['spec', kind, name];
      if ('filter' in event && event.filter !== undefined && 'expression' in event.filter) {
        uses.push(...use('expr', event.filter.expression, [...path, 'filter', 'expression']));
      }
      if ('watchPathConfig' in event) {
        uses.push(...use('regex', event.watchPathConfig.pathRegexp, [...path, 'watchPathConfig', 'pathRegexp']));
      }
    }
  }
  for (const [name, { filter }] of Object.entries(spec.resource ?? {})) {
    const path = ['spec', 'resource', name, 'filter', 'fields'];
    uses.push(...(filter?.fields ?? []).flatMap(({ value }, index) => use('regex', value, [...path, index, 'value'])));
  }
  return uses;
}

/** Findings for every expression that does not parse. Without a checker only regular expressions are checked. */
export async function checkExpressions(
  uses: readonly ExpressionUse[],
  syntax: ExpressionSyntax | undefined,
): Promise<Finding[]> {
  const findings = await Promise.all(
    uses.map(async ({ path, language, text }): Promise<Finding[]> => {
      const mistake = await findMistake(language, text, syntax);
      if (mistake === undefined) return [];
      const { where, ...shown } = showPlace(text, mistake.offset);
      const message = `not a valid ${LANGUAGE_NAMES[language]}${where}: ${mistake.message}`;
      return [{ severity: 'error', path, message, ...shown, ...(mistake.fix !== undefined && { fix: mistake.fix }) }];
    }),
  );
  return findings.flat();
}

async function findMistake(
  language: Language,
  text: string,
  syntax: ExpressionSyntax | undefined,
): Promise<ExpressionMistake | undefined> {
  if (language === 'yaml') {
    const message = await findYamlMistake(text, syntax);
    return message === undefined ? undefined : { message };
  }
  if (syntax === undefined) {
    const message = language === 'regex' ? approximateRegexMistake(text) : undefined;
    return message === undefined ? undefined : { message };
  }
  const complaint = await syntax.check(language, text);
  return complaint === undefined ? undefined : explainComplaint(language, text, complaint);
}

async function findYamlMistake(text: string, syntax: ExpressionSyntax | undefined): Promise<string | undefined> {
  if (syntax === undefined) return parseYamlDocuments(text).mistakes[0]?.message;
  const reading = await syntax.readYaml(text);
  return reading.ok ? undefined : reading.message.replace(/^yaml: /, '');
}

function use(language: Language, text: string | undefined, path: FieldPath): ExpressionUse[] {
  return text === undefined || text === '' ? [] : [{ language, text, path }];
}

function inDependency({ transform, filters }: Dependency, path: FieldPath): ExpressionUse[] {
  const at = [...path, 'filters'];
  return [
    ...use('jq', transform?.jq, [...path, 'transform', 'jq']),
    ...use('lua', transform?.script, [...path, 'transform', 'script']),
    ...use('lua', filters?.script, [...at, 'script']),
    ...(filters?.exprs ?? []).flatMap(({ expr }, index) => use('govaluate', expr, [...at, 'exprs', index, 'expr'])),
    ...(filters?.data ?? []).flatMap(({ template, type, value }, index) => [
      ...use('template', template, [...at, 'data', index, 'template']),
      ...(type === 'string' ? value : []).flatMap((text, position) =>
        use('regex', text, [...at, 'data', index, 'value', position]),
      ),
    ]),
  ];
}

function inTrigger(trigger: TriggerSpec, path: FieldPath): ExpressionUse[] {
  const uses = inParameters(trigger.parameters, [...path, 'parameters']);
  for (const kind of TRIGGER_KINDS) {
    const block = trigger.template[kind];
    if (block === undefined) continue;
    const at = [...path, 'template', kind];
    if ('source' in block) uses.push(...use('yaml', block.source.inline, [...at, 'source', 'inline']));
    if ('parameters' in block) uses.push(...inParameters(block.parameters, [...at, 'parameters']));
    if ('payload' in block) uses.push(...inParameters(block.payload, [...at, 'payload']));
    if ('dynamicHeaders' in block) uses.push(...inParameters(block.dynamicHeaders, [...at, 'dynamicHeaders']));
  }
  if (trigger.dlqTrigger !== undefined) uses.push(...inTrigger(trigger.dlqTrigger, [...path, 'dlqTrigger']));
  return uses;
}

function inParameters(parameters: readonly TriggerParameter[] | undefined, path: FieldPath): ExpressionUse[] {
  return (parameters ?? []).flatMap(({ src }, index) => [
    ...use('template', src.contextTemplate, [...path, index, 'src', 'contextTemplate']),
    ...use('template', src.dataTemplate, [...path, index, 'src', 'dataTemplate']),
  ]);
}
