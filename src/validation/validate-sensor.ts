/** Checks of a Sensor beyond its schema: everything that Argo Events rejects, and what it notices only too late. */
import { closestMatch } from '../text/closest-match';
import { Findings, describeValue, type Finding } from '../manifest/problem';
import type { Dependency } from '../manifest/filters';
import { isConditionName, conditionDependencies, parseCondition } from '../sandbox/conditions/conditions';
import { isSluiceError } from '../errors/sluice-error';
import { triggerTemplate, type Sensor, type SensorSpec, type TriggerSpec } from '../manifest/sensor';
import { validateBackoff, validateCron, validateTimezone } from './validate-common';
import { validateFilters } from './validate-filters';
import { replacesDependencyNames, validateParameters } from './validate-parameters';
import { warnOfDestinations } from './validate-destinations';
import { warnOfPodFields, warnOfReplicas } from './validate-pod-template';
import { validateTriggerKind } from './validate-triggers';

export function validateSensor({ spec }: Sensor): Finding[] {
  const findings = new Findings();
  const here = findings.at('spec');
  warnOfPodFields(spec.template ?? {}, ['serviceAccountName'], here.at('template'));
  warnOfReplicas(spec.replicas, 'Start more sensor workers, and let several listen with sluice.io/listeners,', here);
  spec.dependencies.forEach((dependency, index) => {
    validateDependency(dependency, index, spec.dependencies, here.at('dependencies', index));
  });
  const names = spec.dependencies.map((dependency) => dependency.name);
  const used = new Set<string>();
  spec.triggers.forEach((trigger, index) => {
    const at = here.at('triggers', index);
    validateTriggerName(spec, index, at);
    const usedHere = validateConditions(trigger, names, at.at('template', 'conditions'));
    usedHere.forEach((name) => used.add(name));
    validateTrigger(trigger, names, usedHere, at);
  });
  names.forEach((name, index) => {
    if (used.has(name) || names.indexOf(name) !== index) return;
    here.at('dependencies', index).warning(`no trigger waits for the dependency ${name}`, {
      fix: 'Name it in the conditions of a trigger, or remove it.',
    });
  });
  return findings.list;
}

function validateDependency(
  dependency: Dependency,
  index: number,
  all: readonly Dependency[],
  findings: Findings,
): void {
  const { name, transform, filters } = dependency;
  const first = all.findIndex((other) => other.name === name);
  if (first !== index) {
    findings.at('name').error(`the name ${name} is already used by spec.dependencies[${first}]`, {
      fix: 'Give each dependency its own name. Several may still refer to the same event.',
    });
  }
  if (!isConditionName(name)) {
    findings.at('name').error('this name cannot be written in a condition', {
      found: describeValue(name),
      expected: 'letters, digits, dashes, dots and underscores',
    });
  }
  if (transform?.jq !== undefined && transform.jq !== '' && transform.script) {
    findings.at('transform').warning('jq and script are both set; only jq is used', { fix: 'Remove one of them.' });
  }
  if (filters !== undefined) {
    validateFilters(filters, dependency.filtersLogicalOperator, findings.at('filters'));
  }
}

function validateTriggerName(spec: SensorSpec, index: number, findings: Findings): void {
  const name = spec.triggers[index]?.template.name;
  const first = spec.triggers.findIndex((trigger) => trigger.template.name === name);
  if (first === index) return;
  findings.at('template', 'name').error(`the name ${name} is already used by spec.triggers[${first}]`, {
    fix: 'Give each trigger its own name.',
  });
}

/** Names that the trigger waits for. */
function validateConditions(trigger: TriggerSpec, names: readonly string[], findings: Findings): readonly string[] {
  const { conditions } = trigger.template;
  if (conditions === undefined || conditions.trim() === '') return names;
  try {
    const mentioned = conditionDependencies(parseCondition(conditions));
    const known = new Set(names);
    for (const name of mentioned.filter((candidate) => !known.has(candidate))) {
      if (findings.isFull) break;
      const meant = closestMatch(name, names);
      findings.error(`unknown dependency ${name}`, {
        found: describeValue(conditions),
        expected: `one of ${names.join(', ')}`,
        fix: meant === undefined ? 'Add it to spec.dependencies, or remove it here.' : `Did you mean ${meant}?`,
      });
    }
    return mentioned;
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    findings.error(error.message, {
      found: describeValue(conditions),
      expected: 'dependency names joined with && and ||, and parentheses, such as (a && b) || c',
      fix: error.fix,
    });
    return names;
  }
}

function validateTrigger(
  trigger: TriggerSpec,
  names: readonly string[],
  waitsFor: readonly string[],
  findings: Findings,
): void {
  const { template, parameters, retryStrategy, dlqTrigger } = trigger;
  const dependencies = { all: names, waitsFor, arePlaceholders: replacesDependencyNames(trigger.parameters) };
  template.conditionsReset?.forEach((reset, index) => {
    const here = findings.at('template', 'conditionsReset', index);
    if (reset.byTime === undefined) {
      here.error('byTime is missing', { expected: 'byTime with cron, and timezone if not UTC' });
      return;
    }
    validateCron(reset.byTime.cron, here.at('byTime', 'cron'));
    validateTimezone(reset.byTime.timezone, here.at('byTime', 'timezone'));
  });
  validateParameters(parameters, dependencies, findings.at('parameters'));
  warnOfDestinations(template, parameters, findings.at('parameters'));
  parameters?.forEach(({ dest = '' }, index) => {
    const [first = ''] = dest.split('.');
    if (first === '' || first in triggerTemplate.shape || /[^a-zA-Z0-9]/.test(first)) return;
    const kind = template.argoWorkflow === undefined ? 'k8s' : 'argoWorkflow';
    findings.at('parameters', index, 'dest').warning(`writes nothing that is read: a template has no field ${first}`, {
      found: describeValue(dest),
      fix: `Move the parameter to template.${kind}.parameters, or begin dest with ${kind}.source.resource.`,
    });
  });
  validateBackoff(retryStrategy, findings.at('retryStrategy'));
  validatePolicy(trigger, findings.at('policy'));
  validateTriggerKind(trigger, dependencies, findings.at('template'));
  if (dlqTrigger === undefined) return;
  const here = findings.at('dlqTrigger');
  validateTrigger(dlqTrigger, names, waitsFor, here);
  if (dlqTrigger.template.conditions) {
    here
      .at('template', 'conditions')
      .warning('a dead-letter trigger runs when the other one failed; conditions have no effect');
  }
  if (dlqTrigger.dlqTrigger !== undefined) {
    here.at('dlqTrigger').warning('never runs: a dead-letter trigger has no dead-letter trigger of its own', {
      fix: 'Remove it. A dead-letter trigger that fails parks the run.',
    });
  }
}

function validatePolicy({ policy, template }: TriggerSpec, findings: Findings): void {
  if (policy === undefined) return;
  if (policy.k8s !== undefined) {
    if (Object.keys(policy.k8s.labels).length === 0) {
      findings.at('k8s', 'labels').error('no label defines success', {
        fix: 'Write for example workflows.argoproj.io/phase: Succeeded.',
      });
    }
    validateBackoff(policy.k8s.backoff, findings.at('k8s', 'backoff'));
    if (template.k8s === undefined && template.argoWorkflow === undefined) {
      findings.at('k8s').warning('has no effect: this policy is for k8s and argoWorkflow triggers');
    }
  }
  const answersWithStatus = [template.http, template.awsLambda, template.openWhisk].some((kind) => kind !== undefined);
  if (policy.status !== undefined && !answersWithStatus) {
    findings.at('status').warning('has no effect: this policy is for http, awsLambda and openWhisk triggers');
  }
}
