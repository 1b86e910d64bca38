/** Sources that follow a code host: GitHub, GitLab, Bitbucket, Gerrit. */
import { z } from 'zod';
import { basicAuth, optionalFlag, optionalText, secretKeySelector, tlsConfig } from '../common';
import { webhookContext, withMetadataAndFilter } from './shared';

const textList = z.array(z.string()).optional();

export const githubAppCredentials = z.strictObject({
  privateKey: secretKeySelector.describe('Private key of the app.'),
  appID: z.int().describe('Id of the app.'),
  installationID: z.int().describe('Id of its installation.'),
});

export const githubEventSource = z.strictObject({
  ...withMetadataAndFilter,
  id: z.int().optional().describe('Accepted; without effect.'),
  webhook: webhookContext.optional().describe('Endpoint that GitHub calls.'),
  owner: optionalText.describe('Not used: Sluice registers no hooks.'),
  repository: optionalText.describe('Not used: Sluice registers no hooks.'),
  repositories: z
    .array(
      z.strictObject({
        owner: optionalText.describe('Not used: Sluice registers no hooks.'),
        names: textList.describe('Names of repositories.'),
      }),
    )
    .optional()
    .describe('Not used: Sluice registers no hooks.'),
  organizations: textList.describe('Not used: Sluice registers no hooks.'),
  events: textList.describe('Kinds of events that are published, such as push; * or none: all.'),
  apiToken: secretKeySelector.optional().describe('Not used: Sluice registers no hooks.'),
  githubApp: githubAppCredentials.optional().describe('Not used: Sluice registers no hooks.'),
  webhookSecret: secretKeySelector.optional().describe('Secret with which GitHub signs each request.'),
  insecure: optionalFlag.describe('Not used: Sluice registers no hooks.'),
  active: optionalFlag.describe('Not used: Sluice registers no hooks.'),
  contentType: optionalText.describe('Not used: Sluice registers no hooks.'),
  githubBaseURL: optionalText.describe('Not used: Sluice registers no hooks.'),
  githubUploadURL: optionalText.describe('Not used: Sluice registers no hooks.'),
  deleteHookOnFinish: optionalFlag.describe('Not used: Sluice registers no hooks.'),
});

export const gitlabEventSource = z.strictObject({
  ...withMetadataAndFilter,
  webhook: webhookContext.optional().describe('Endpoint that GitLab calls.'),
  projectID: optionalText.describe('Not used: Sluice registers no hooks.'),
  projects: textList.describe('Not used: Sluice registers no hooks.'),
  groups: textList.describe('Not used: Sluice registers no hooks.'),
  events: textList.describe(
    'Kinds of events for which Argo Events registers hooks. Not used: Sluice registers no hooks.',
  ),
  accessToken: secretKeySelector.optional().describe('Not used: Sluice registers no hooks.'),
  secretToken: secretKeySelector.optional().describe('Token that GitLab sends with each request.'),
  enableSSLVerification: optionalFlag.describe('Not used: Sluice registers no hooks.'),
  gitlabBaseURL: optionalText.describe('Not used: Sluice registers no hooks.'),
  deleteHookOnFinish: optionalFlag.describe('Not used: Sluice registers no hooks.'),
});

export const bitbucketEventSource = z.strictObject({
  ...withMetadataAndFilter,
  webhook: webhookContext.optional().describe('Endpoint that Bitbucket calls.'),
  auth: z
    .strictObject({
      basic: basicAuth.optional().describe('User and password.'),
      oauthToken: secretKeySelector.optional().describe('OAuth token.'),
    })
    .optional()
    .describe('Not used: Sluice registers no hooks.'),
  events: textList.describe(
    'Kinds of events for which Argo Events registers hooks. Not used: Sluice registers no hooks.',
  ),
  owner: optionalText.describe('Not used: Sluice registers no hooks.'),
  projectKey: optionalText.describe('Not used: Sluice registers no hooks.'),
  repositorySlug: optionalText.describe('Not used: Sluice registers no hooks.'),
  repositories: z
    .array(
      z.strictObject({
        owner: optionalText.describe('Not used: Sluice registers no hooks.'),
        repositorySlug: optionalText.describe('Not used: Sluice registers no hooks.'),
      }),
    )
    .optional()
    .describe('Not used: Sluice registers no hooks.'),
  deleteHookOnFinish: optionalFlag.describe('Not used: Sluice registers no hooks.'),
});

export const bitbucketServerEventSource = z.strictObject({
  ...withMetadataAndFilter,
  webhook: webhookContext.optional().describe('Endpoint that Bitbucket Server calls.'),
  projectKey: optionalText.describe('Not used: Sluice registers no hooks.'),
  repositorySlug: optionalText.describe('Not used: Sluice registers no hooks.'),
  projects: textList.describe('Not used: Sluice registers no hooks.'),
  repositories: z
    .array(
      z.strictObject({
        projectKey: optionalText.describe('Not used: Sluice registers no hooks.'),
        repositorySlug: optionalText.describe('Not used: Sluice registers no hooks.'),
      }),
    )
    .optional()
    .describe('Not used: Sluice registers no hooks.'),
  events: textList.describe(
    'Kinds of events for which Argo Events registers hooks. Not used: Sluice registers no hooks.',
  ),
  skipBranchRefsChangedOnOpenPR: optionalFlag.describe('Accepted; without effect.'),
  oneEventPerChange: optionalFlag.describe('Make an event of each change of a push.'),
  accessToken: secretKeySelector.optional().describe('Not used: Sluice registers no hooks.'),
  webhookSecret: secretKeySelector.optional().describe('Secret with which Bitbucket Server signs each request.'),
  bitbucketserverBaseURL: optionalText.describe('Not used: Sluice registers no hooks.'),
  deleteHookOnFinish: optionalFlag.describe('Not used: Sluice registers no hooks.'),
  tls: tlsConfig.optional().describe('Not used: Sluice registers no hooks.'),
  checkInterval: optionalText.describe('Not used: Sluice registers no hooks.'),
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
