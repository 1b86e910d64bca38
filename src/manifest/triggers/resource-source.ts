/** Where the Kubernetes object of a k8s or argoWorkflow trigger comes from. */
import { z } from 'zod';
import {
  configMapKeySelector,
  kubernetesFields,
  optionalFlag,
  optionalText,
  requiredText,
  secretKeySelector,
} from '../common';
import { githubAppCredentials } from '../sources/code-hosts';
import { s3Artifact } from '../sources/storage';

const gitSource = z.strictObject({
  url: requiredText.describe('Address of the repository.'),
  cloneDirectory: requiredText.describe('Directory of the clone in Argo Events.'),
  creds: z
    .strictObject({
      username: secretKeySelector.optional().describe('User.'),
      password: secretKeySelector.optional().describe('Password or access token.'),
    })
    .optional()
    .describe('User and password.'),
  githubApp: githubAppCredentials.optional().describe('GitHub App. Not supported by Sluice.'),
  sshKeySecret: secretKeySelector.optional().describe('SSH key.'),
  filePath: requiredText.describe('Path of the file in the repository.'),
  branch: optionalText.describe('Branch to read.'),
  tag: optionalText.describe('Tag to read.'),
  ref: optionalText.describe('Reference to read, such as refs/heads/main.'),
  remote: z
    .strictObject({
      name: requiredText.describe('Name of the remote.'),
      urls: z.array(z.string()).min(1).describe('Addresses of the remote.'),
    })
    .optional()
    .describe('Another remote to fetch from.'),
  insecureIgnoreHostKey: optionalFlag.describe('Accept any host key of an SSH server.'),
});

/** The order in which Argo Events looks if several are set. */
export const RESOURCE_SOURCE_KINDS = ['s3', 'inline', 'file', 'url', 'git', 'configmap', 'resource'] as const;
export type ResourceSourceKind = (typeof RESOURCE_SOURCE_KINDS)[number];

export const triggerSource = z.strictObject({
  s3: s3Artifact.optional().describe('Object in a bucket.'),
  inline: optionalText.describe('The object as YAML or JSON text.'),
  file: z
    .strictObject({ path: requiredText.describe('Path, or for url the address.') })
    .optional()
    .describe('File of the worker, below SLUICE_FILES_DIR.'),
  url: z
    .strictObject({
      path: requiredText.describe('Path, or for url the address.'),
      verifyCert: optionalFlag.describe('Verify the certificate of the server; default true.'),
    })
    .optional()
    .describe('File of a web server.'),
  git: gitSource.optional().describe('File in a Git repository.'),
  configmap: configMapKeySelector.optional().describe('Key of a ConfigMap.'),
  resource: kubernetesFields.optional().describe('The object itself.'),
} satisfies Record<ResourceSourceKind, z.ZodType>);
export type ResourceSource = z.infer<typeof triggerSource>;
