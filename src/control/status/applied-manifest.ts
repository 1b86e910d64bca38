/** The manifest of an object as it is applied, with defaults filled in. Pure. */
import type { EventBusDefinition, EventSourceDefinition, SensorDefinition } from '../../contract/definitions';
import type { AppliedRecord } from '../../contract/lifecycle-messages';
import { API_VERSION } from '../../manifest/common';
import type { ManifestKind } from '../../validation/parse-manifest';

export interface AppliedManifest {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: ManifestKind;
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    /** Those of Sluice: the workflow keeps no others. */
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: EventBusDefinition['spec'] | EventSourceDefinition['spec'] | SensorDefinition['spec'];
}

type Applied =
  | { readonly kind: 'EventBus'; readonly definition: EventBusDefinition }
  | { readonly kind: 'EventSource'; readonly definition: EventSourceDefinition }
  | { readonly kind: 'Sensor'; readonly definition: SensorDefinition };

export function appliedManifest({ kind, definition }: Applied, record: AppliedRecord | undefined): AppliedManifest {
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
