/** Sources that follow a code host: GitHub, GitLab, Bitbucket, Gerrit. */
import { z } from 'zod';
import { basicAuth, optionalFlag, optionalText, secretKeySelector, tlsConfig } from '../common';
import { webhookContext, withMetadataAndFilter } from './shared';

const textList = z.array(z.string()).optional();

export const githubAppCredentials = z.strictObject({
  privateKey: secretKeySelector,
  appID: z.int(),
  installationID: z.int(),
});

export const githubEventSource = z.strictObject({
  ...withMetadataAndFilter,
  id: z.int().optional(),
  webhook: webhookContext.optional(),
  owner: optionalText,
  repository: optionalText,
  repositories: z.array(z.strictObject({ owner: optionalText, names: textList })).optional(),
  organizations: textList,
  events: textList,
  apiToken: secretKeySelector.optional(),
  githubApp: githubAppCredentials.optional(),
  webhookSecret: secretKeySelector.optional(),
  insecure: optionalFlag,
  active: optionalFlag,
  contentType: optionalText,
  githubBaseURL: optionalText,
  githubUploadURL: optionalText,
  deleteHookOnFinish: optionalFlag,
});

export const gitlabEventSource = z.strictObject({
  ...withMetadataAndFilter,
  webhook: webhookContext.optional(),
  projectID: optionalText,
  projects: textList,
  groups: textList,
  events: textList,
  accessToken: secretKeySelector.optional(),
  secretToken: secretKeySelector.optional(),
  enableSSLVerification: optionalFlag,
  gitlabBaseURL: optionalText,
  deleteHookOnFinish: optionalFlag,
});

export const bitbucketEventSource = z.strictObject({
  ...withMetadataAndFilter,
  webhook: webhookContext.optional(),
  auth: z.strictObject({ basic: basicAuth.optional(), oauthToken: secretKeySelector.optional() }).optional(),
  events: textList,
  owner: optionalText,
  projectKey: optionalText,
  repositorySlug: optionalText,
  repositories: z.array(z.strictObject({ owner: optionalText, repositorySlug: optionalText })).optional(),
  deleteHookOnFinish: optionalFlag,
});

export const bitbucketServerEventSource = z.strictObject({
  ...withMetadataAndFilter,
  webhook: webhookContext.optional(),
  projectKey: optionalText,
  repositorySlug: optionalText,
  projects: textList,
  repositories: z.array(z.strictObject({ projectKey: optionalText, repositorySlug: optionalText })).optional(),
  events: textList,
  skipBranchRefsChangedOnOpenPR: optionalFlag,
  oneEventPerChange: optionalFlag,
  accessToken: secretKeySelector.optional(),
  webhookSecret: secretKeySelector.optional(),
  bitbucketserverBaseURL: optionalText,
  deleteHookOnFinish: optionalFlag,
  tls: tlsConfig.optional(),
  checkInterval: optionalText,
});

export const gerritEventSource = z.strictObject({
  ...withMetadataAndFilter,
  webhook: webhookContext.optional(),
  hookName: optionalText,
  events: textList,
  auth: basicAuth.optional(),
  gerritBaseURL: optionalText,
  deleteHookOnFinish: optionalFlag,
  projects: textList,
  sslVerify: optionalFlag,
  maxTries: z.int().optional(),
});
