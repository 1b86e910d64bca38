/** Recognises Helm templates that were not rendered, and ignores the templates of Sensors and Workflows themselves. */
import { isFields } from '../manifest/fields';
import type { FieldPath, Finding } from '../manifest/problem';

const ACTION = /\{\{(?:[^}]|\}(?!\}))*\}\}/g;
/** Values that only Helm has, at the root: `.Input.Values` is a value of an event. */
const HELM_VALUE = /(?<![\w)\]$])\$?\.(?:Values|Release|Chart|Capabilities|Files|Template|Subcharts)\b/;
const HELM_FUNCTION = /(?:^\{\{-?|[(|=])\s*(?:include|tpl|toYaml|fromYaml|toToml|lookup|required)\s/;
/** A line that consists of control flow is not valid YAML before it is rendered. */
const CONTROL_LINE =
  /^\s*(?:-\s+)?\{\{-?\s*(?:if|else|end|range|with|define|block|template|include|\$\w+\s*:=|\/\*)(?![\w.])/m;

export const RENDER_FIRST = 'Render it first, and check the result: helm template CHART | sluice validate -f -';

/** Whether text that is not valid YAML contains syntax that only Helm replaces. */
export function isHelmTemplate(text: string): boolean {
  return CONTROL_LINE.test(text) || hasHelmAction(text);
}

function hasHelmAction(text: string): boolean {
  return (text.match(ACTION) ?? []).some((action) => HELM_VALUE.test(action) || HELM_FUNCTION.test(action));
}

/** An object that a trigger creates may contain templates for its own consumer. */
const FOREIGN: ReadonlySet<string | number> = new Set(['resource', 'inline']);
/** Templates and scripts of Argo Events; their compilers report their mistakes. */
const EXPRESSIONS: ReadonlySet<string | number | undefined> = new Set([
  ...['dataTemplate', 'contextTemplate', 'template', 'script', 'jq', 'expr', 'expression'],
]);

/** One finding for the whole object: an error if Sluice itself would read the template as text. */
export function findHelm(document: unknown): Finding | undefined {
  const places = [...placesIn(document, [])];
  const own = places.find((path) => !path.some((segment) => FOREIGN.has(segment)));
  const path = own ?? places[0];
  if (path === undefined) return undefined;
  if (own === undefined) {
    const message = 'holds a Helm expression, which is sent unchanged';
    return { severity: 'warning', path, message, fix: RENDER_FIRST };
  }
  return { severity: 'error', path, message: 'this is a Helm template that was not rendered', fix: RENDER_FIRST };
}

function* placesIn(value: unknown, path: FieldPath): Generator<FieldPath> {
  if (typeof value === 'string') {
    if (!EXPRESSIONS.has(path.at(-1)) && hasHelmAction(value)) yield path;
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* placesIn(item, [...path, index]);
  } else if (isFields(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (hasHelmAction(key)) yield path;
      yield* placesIn(item, [...path, key]);
    }
  }
}
