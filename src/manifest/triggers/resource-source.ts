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
  url: requiredText,
  cloneDirectory: requiredText,
  creds: z.strictObject({ username: secretKeySelector.optional(), password: secretKeySelector.optional() }).optional(),
  githubApp: githubAppCredentials.optional(),
  sshKeySecret: secretKeySelector.optional(),
  filePath: requiredText,
  branch: optionalText,
  tag: optionalText,
  ref: optionalText,
  remote: z.strictObject({ name: requiredText, urls: z.array(z.string()).min(1) }).optional(),
  insecureIgnoreHostKey: optionalFlag,
});

/** The order in which Argo Events looks if several are set. */
export const RESOURCE_SOURCE_KINDS = ['s3', 'inline', 'file', 'url', 'git', 'configmap', 'resource'] as const;
export type ResourceSourceKind = (typeof RESOURCE_SOURCE_KINDS)[number];

export const triggerSource = z.strictObject({
  s3: s3Artifact.optional(),
  inline: optionalText.describe('The object as YAML or JSON text.'),
  file: z.strictObject({ path: requiredText }).optional(),
  url: z.strictObject({ path: requiredText, verifyCert: optionalFlag }).optional(),
  git: gitSource.optional(),
  configmap: configMapKeySelector.optional(),
  resource: kubernetesFields.optional().describe('The object itself.'),
} satisfies Record<ResourceSourceKind, z.ZodType>);
export type ResourceSource = z.infer<typeof triggerSource>;
