/** Checks of the block that defines what a trigger does. */
import { isSupportedTrigger, TRIGGER_KINDS, type TriggerKind } from '../kinds/trigger-kinds';
import type { Findings } from '../manifest/problem';
import { describeValue } from '../manifest/problem';
import type { TriggerSpec } from '../manifest/sensor';
import type { HttpTriggerTemplate } from '../manifest/triggers/http';
import { requireOneOf, validateBackoff, validateNatsAuth, validateTls } from './validate-common';
import { validateNatsUrl } from './validate-event-bus';
import { validateParameters, type KnownDependencies } from './validate-parameters';
import { validateResourceTrigger } from './validate-resource-trigger';

export function validateTriggerKind(trigger: TriggerSpec, dependencies: KnownDependencies, findings: Findings): void {
  const { template } = trigger;
  const kinds = TRIGGER_KINDS.filter((kind) => template[kind] !== undefined);
  if (kinds.length !== 1) {
    findings.error(kinds.length === 0 ? 'this trigger does nothing' : 'a trigger can do only one thing', {
      found: kinds.length === 0 ? 'none' : kinds.join(', '),
      expected: `exactly one of ${TRIGGER_KINDS.join(', ')}`,
      fix: kinds.length === 0 ? 'Add one of them.' : 'Write one trigger for each; they may have the same conditions.',
    });
  }
  for (const kind of kinds) {
    const block = template[kind] ?? {};
    const here = findings.at(kind);
    if ('parameters' in block) validateParameters(block.parameters, dependencies, here.at('parameters'));
    if ('payload' in block) {
      const options = kind === 'http' ? { emptyDestination: 'allowed' as const } : {};
      validateParameters(block.payload, dependencies, here.at('payload'), options);
    }
    if ('tls' in block) validateTls(block.tls, here.at('tls'));
    validateKind(kind, trigger, dependencies, here);
  }
}

/** Whether a parameter of the trigger writes `dest` in the template, or something below it, before it is used. */
function isSetByParameter(trigger: TriggerSpec, dest: string): boolean {
  return (trigger.parameters ?? []).some(
    (parameter) => parameter.dest === dest || parameter.dest?.startsWith(`${dest}.`),
  );
}

function validateKind(
  kind: TriggerKind,
  trigger: TriggerSpec,
  dependencies: KnownDependencies,
  findings: Findings,
): void {
  if (!isSupportedTrigger(kind)) {
    findings.unsupported(`Sluice does not run ${kind} triggers yet`, {
      fix: 'Use a custom or http trigger, or leave this Sensor to Argo Events on the same bus.',
    });
  }
  RULES[kind]?.(trigger, findings, dependencies);
}

type Rule = (trigger: TriggerSpec, findings: Findings, dependencies: KnownDependencies) => void;

/** Rules that the schema of a kind cannot express. */
const RULES: { readonly [Kind in TriggerKind]?: Rule } = {
  k8s: (trigger, findings) => validateResourceTrigger(trigger, 'k8s', findings),
  argoWorkflow: (trigger, findings) => validateResourceTrigger(trigger, 'argoWorkflow', findings),
  http: (trigger, findings, dependencies) => {
    if (trigger.template.http) validateHttp(trigger.template.http, trigger, dependencies, findings);
  },
  nats: (trigger, findings) => {
    const { nats } = trigger.template;
    if (!nats) return;
    if (!isSetByParameter(trigger, 'nats.url')) validateNatsUrl(nats.url, findings.at('url'));
    validateNatsAuth(nats.auth, findings.at('auth'));
  },
  kafka: ({ template }, findings) => {
    template.kafka?.secureHeaders?.forEach((header, index) => {
      validateHeaderSource(header.valueFrom, findings.at('secureHeaders', index, 'valueFrom'));
    });
  },
  custom: ({ template }, findings) => {
    if (template.custom?.secure === true && template.custom.certSecret === undefined) {
      findings.at('certSecret').error('this field is required when secure is true', {
        fix: 'Set certSecret to the certificate of the trigger server, or remove secure.',
      });
    }
  },
  slack: (trigger, findings) => {
    requireText(trigger, 'slack', ['channel'], findings);
    requireText(trigger, 'slack', ['message', 'attachments', 'blocks'], findings);
  },
  email: (trigger, findings) => {
    requireText(trigger, 'email', ['to'], findings);
    requireText(trigger, 'email', ['subject'], findings);
    requireText(trigger, 'email', ['body'], findings);
  },
  pulsar: ({ template }, findings) => {
    validateBackoff(template.pulsar?.connectionBackoff, findings.at('connectionBackoff'));
  },
};

function validateHttp(
  http: HttpTriggerTemplate,
  trigger: TriggerSpec,
  dependencies: KnownDependencies,
  findings: Findings,
): void {
  const url = URL.canParse(http.url) ? new URL(http.url) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:' && !isSetByParameter(trigger, 'http.url')) {
    findings.at('url').error('not a URL that can be called', {
      found: describeValue(http.url),
      expected: 'http://… or https://…',
      fix: http.url.includes('://') ? undefined : `Did you mean http://${http.url}?`,
    });
  }
  validateParameters(http.dynamicHeaders, dependencies, findings.at('dynamicHeaders'));
  http.secureHeaders?.forEach((header, index) => {
    validateHeaderSource(header.valueFrom, findings.at('secureHeaders', index, 'valueFrom'));
  });
}

function validateHeaderSource(valueFrom: object, findings: Findings): void {
  requireOneOf(valueFrom, ['secretKeyRef', 'configMapKeyRef'], 'source of the value', findings);
}

/** One of the fields must be written, or come from a parameter of the trigger. */
function requireText(
  trigger: TriggerSpec,
  kind: 'slack' | 'email',
  fields: readonly string[],
  findings: Findings,
): void {
  const block: Readonly<Record<string, unknown>> = trigger.template[kind] ?? {};
  const isSet = fields.some((field) => {
    const value = block[field];
    return (Array.isArray(value) ? value.length > 0 : Boolean(value)) || isSetByParameter(trigger, `${kind}.${field}`);
  });
  if (isSet) return;
  findings.at(...fields.slice(0, 1)).error(`${fields.join(' or ')} is required`, {
    fix: `Set it, or write it with a parameter of the trigger whose dest is ${kind}.${fields[0]}.`,
  });
}
