import { createHmac } from 'node:crypto';
import { bitbucketserverSource } from '../../src/sources/bitbucketserver';
import { githubSource } from '../../src/sources/github';
import { gitlabSource } from '../../src/sources/gitlab';
import { slackSource } from '../../src/sources/slack';
import type { SourceFactory } from '../../src/sources/source';
import { webhookSource } from '../../src/sources/webhook';
import { createSource } from '../contract-suites/source-contract';

const SECRETS = { 'hook/secret': ' \n' };
const selector = { name: 'hook', key: 'secret' };
const webhook = { endpoint: '/hook', port: '12000' };

/** Of an empty key, as anybody can make it. */
const signature = createHmac('sha256', '').update('{}').digest('hex');

describe('a hook whose Secret has an empty value', () => {
  async function check<Spec>(factory: SourceFactory<Spec>, spec: Spec): Promise<void> {
    const source = createSource(factory, { spec, secrets: SECRETS });
    await source.check().finally(() => source.close());
  }

  it.each<[string, () => Promise<void>]>([
    ['github', () => check(githubSource, { webhook, webhookSecret: selector })],
    ['gitlab', () => check(gitlabSource, { webhook, secretToken: selector })],
    ['bitbucketserver', () => check(bitbucketserverSource, { webhook, webhookSecret: selector })],
    ['slack, by its signature', () => check(slackSource, { webhook, signingSecret: selector })],
    ['slack, by its token', () => check(slackSource, { webhook, token: selector })],
    ['webhook', () => check(webhookSource, { ...webhook, authSecret: selector })],
  ])('opens to nobody (%s)', async (_kind, checked) => {
    expect(signature).toHaveLength(64);
    await expect(checked()).rejects.toThrow('the value of key "secret" is empty');
  });
});
