/** What a Deployment says about its pods. */
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';

export interface DeployedVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
  };
}

export interface DeployedContainer {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly DeployedVariable[];
  readonly envFrom: ReadonlyArray<{
    readonly configMapRef?: { readonly name: string };
    readonly secretRef?: { readonly name: string; readonly optional?: boolean };
  }>;
  readonly volumeMounts: ReadonlyArray<{ readonly name: string; readonly mountPath: string }>;
  readonly resources: { readonly limits: { readonly memory: string } };
  /** Of its pod. */
  readonly volumes: ReadonlyArray<{ readonly name: string; readonly emptyDir?: { readonly sizeLimit: string } }>;
  readonly serviceAccountName: string;
  readonly terminationGracePeriodSeconds: number;
}

type OfPod = 'volumes' | 'serviceAccountName' | 'terminationGracePeriodSeconds';

/** The only container of the pods of a Deployment. */
export function containerOf(deployment: KubernetesObject): DeployedContainer {
  const { template } = deployment.spec as {
    template: {
      spec: Pick<DeployedContainer, OfPod> & { containers: readonly [Omit<DeployedContainer, OfPod>] };
    };
  };
  const { volumes, serviceAccountName, terminationGracePeriodSeconds, containers } = template.spec;
  return { ...containers[0], volumes, serviceAccountName, terminationGracePeriodSeconds };
}
