import { resolveDesired } from '../../src/control/apply/desired-objects';
import { findSecretReferences } from '../../src/control/apply/secret-references';
import { loadManifestText } from '../../src/validation/load-manifests';

const manifests = `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: {name: default}
spec: {jetstream: {version: latest}}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: from-bucket}
spec:
  dependencies: [{name: d, eventSourceName: a, eventName: b}]
  triggers:
    - template:
        name: t
        k8s:
          operation: create
          source:
            s3:
              endpoint: minio:9000
              bucket: {name: manifests, key: a/workflow.yaml}
              accessKey: {name: minio, key: access}
              secretKey: {name: minio, key: secret}
`;

describe('the Secrets that an object needs', () => {
  it('are the key selectors, not the bucket and path of an S3 source', async () => {
    const { documents, problems } = await loadManifestText(manifests, 'a.yaml');
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    const { desired } = await resolveDesired(documents, { fallback: 'default' }, () => Promise.resolve(undefined));
    expect(desired.flatMap(findSecretReferences).map(({ kind, name, key }) => `${kind} ${name}/${key}`)).toEqual([
      'Secret minio/access',
      'Secret minio/secret',
    ]);
  });
});
