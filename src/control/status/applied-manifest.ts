/** The manifest of an object as it is applied, with defaults filled in. Pure. */
import type { AppliedRecord } from '../../contract/lifecycle-messages';
import { API_VERSION } from '../../manifest/common';
import type { EventBusSpec } from '../../manifest/event-bus';
import type { EventSourceSpec } from '../../manifest/event-source';
import type { SensorSpec } from '../../manifest/sensor';
import type { ManifestKind } from '../../validation/parse-manifest';
import type { KindAndDefinition } from '../applied-definition';

export interface AppliedManifest {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: ManifestKind;
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    /** Those of Sluice: the workflow keeps no others. */
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: EventBusSpec | EventSourceSpec | SensorSpec;
}

export function appliedManifest(
  { kind, definition }: KindAndDefinition,
  record: AppliedRecord | undefined,
): AppliedManifest {
  const { namespace, name, spec } = definition;
  const { annotations = {} } = record ?? {};
  const hasAnnotations = Object.keys(annotations).length > 0;
  return {
    apiVersion: API_VERSION,
    kind,
    metadata: { namespace, name, ...(hasAnnotations && { annotations }) },
    spec,
  };
}
