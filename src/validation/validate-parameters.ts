/** Checks of parameters: where they write, and which events they read. */
import { closestMatch } from '../text/closest-match';
import type { TriggerParameter } from '../manifest/parameters';
import { describeValue, type Findings } from '../manifest/problem';
import { warnOfPath, warnOfTemplate } from './validate-paths';

/** Names of the sensor's dependencies, and those among them that the trigger waits for. */
export interface KnownDependencies {
  readonly all: readonly string[];
  readonly waitsFor: readonly string[];
  /** The trigger's own parameters write into names of dependencies, so the written names are placeholders. */
  readonly arePlaceholders?: boolean;
}

/** `k8s.parameters.0.src.dependencyName`: a parameter of the template that replaces the dependency of another one. */
export function replacesDependencyNames(parameters: readonly TriggerParameter[] | undefined): boolean {
  return parameters?.some(({ dest }) => dest?.endsWith('.src.dependencyName') === true) ?? false;
}

export function validateParameters(
  parameters: readonly TriggerParameter[] | undefined,
  dependencies: KnownDependencies,
  findings: Findings,
  options: { emptyDestination?: 'allowed' } = {},
): void {
  parameters?.forEach(({ src, dest }, index) => {
    const here = findings.at(index);
    if (!dest && options.emptyDestination !== 'allowed') {
      here
        .at('dest')
        .error('this field is required', { expected: 'the path to write, such as spec.arguments.parameters.0.value' });
    }
    validateDependencyName(src.dependencyName, dependencies, here.at('src', 'dependencyName'));
    warnOfPath(dest, 'writes', here.at('dest'));
    warnOfPath(src.dataKey, 'reads', here.at('src', 'dataKey'));
    warnOfPath(src.contextKey, 'reads', here.at('src', 'contextKey'));
    warnOfTemplate(src.dataTemplate, 'the event data', here.at('src', 'dataTemplate'));
    warnOfTemplate(src.contextTemplate, 'the event context', here.at('src', 'contextTemplate'));
  });
}

function validateDependencyName(name: string, dependencies: KnownDependencies, findings: Findings): void {
  if (!dependencies.all.includes(name)) {
    if (dependencies.arePlaceholders) return;
    if (findings.isFull) return findings.error(`unknown dependency ${name}`);
    const meant = closestMatch(name, dependencies.all);
    findings.error(`unknown dependency ${name}`, {
      found: describeValue(name),
      expected: `one of ${dependencies.all.join(', ')}`,
      fix: meant === undefined ? 'Name one of the dependencies of this sensor.' : `Did you mean ${meant}?`,
    });
    return;
  }
  if (dependencies.waitsFor.includes(name)) return;
  findings.warning(`the trigger does not wait for ${name}, so there is never an event to read`, {
    fix: 'Add it to the conditions of the trigger, or read another dependency.',
  });
}
