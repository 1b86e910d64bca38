/** Identifies one Kubernetes object permanently: a name can be reused, a uid cannot. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
}
