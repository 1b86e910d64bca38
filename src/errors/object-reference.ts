/** Names one Kubernetes object for good: a name can be used again, a uid cannot. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
}
