/** Checks of the event sources `kafka` and `sqs` beyond their schemas. */
import type { EventOptions } from '../manifest/event-source';
import { describeValue, type Findings } from '../manifest/problem';

const STRATEGIES = ['range', 'roundrobin', 'sticky'];
const WITHOUT_EFFECT = {
  version: 'not used: the brokers are asked for their version',
  config: 'not used: they are settings of the client that Argo Events has',
} as const;

export function validateKafka(kafka: EventOptions<'kafka'>, findings: Findings): void {
  const { partition, consumerGroup, sasl, schemaRegistry, awsMskIamAuth, limitEventsPerSecond } = kafka;
  if (!partition && consumerGroup === undefined) {
    findings.error('neither partition nor consumerGroup is set', {
      fix: 'Set consumerGroup.groupName to read all partitions, or partition for one.',
    });
  }
  if (partition && !/^\d{1,9}$/.test(partition)) {
    findings.at('partition').error('not the number of a partition', {
      found: describeValue(partition),
      expected: 'a whole number such as "0"',
    });
  } else if (partition && consumerGroup !== undefined) {
    findings.at('partition').warning('not used: members of a consumerGroup share all partitions', {
      fix: 'Remove partition, or consumerGroup to read only this partition.',
    });
  }
  const strategy = consumerGroup?.rebalanceStrategy;
  if (strategy && !STRATEGIES.includes(strategy)) {
    findings.at('consumerGroup', 'rebalanceStrategy').error('unknown strategy', {
      found: describeValue(strategy),
      expected: `one of ${STRATEGIES.join(', ')}`,
    });
  }
  if (schemaRegistry !== undefined) {
    findings.at('schemaRegistry').error('not supported yet: records cannot be read as Avro', {
      fix: 'Remove schemaRegistry to get records as they are, or leave this EventSource to Argo Events.',
    });
  }
  if (awsMskIamAuth !== undefined) {
    findings.at('awsMskIamAuth').error('not supported yet: brokers cannot be logged in at by AWS IAM', {
      fix: 'Use sasl with SCRAM, or leave this EventSource to Argo Events.',
    });
  }
  if (sasl?.mechanism === 'OAUTHBEARER' || sasl?.mechanism === 'GSSAPI') {
    findings.at('sasl', 'mechanism').error('not supported yet', {
      found: describeValue(sasl.mechanism),
      expected: 'PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512',
    });
  }
  if (limitEventsPerSecond !== undefined && limitEventsPerSecond < 0) {
    findings.at('limitEventsPerSecond').error('less than none', { expected: '0 for no limit, or more' });
  }
  for (const field of ['version', 'config'] as const) {
    if (!kafka[field]) continue;
    findings.at(field).warning(WITHOUT_EFFECT[field], { fix: 'Leave it for Argo Events, or remove it.' });
  }
}

export function validateSqs(sqs: EventOptions<'sqs'>, findings: Findings): void {
  const { accessKey, secretKey, sessionToken, waitTimeSeconds, endpoint } = sqs;
  if ((accessKey === undefined) !== (secretKey === undefined)) {
    const missing = accessKey === undefined ? 'accessKey' : 'secretKey';
    findings.error(`keys need both accessKey and secretKey: ${missing} is missing`, {
      fix: `Set ${missing}, or remove both to use the worker's own credentials.`,
    });
  }
  if (sessionToken !== undefined && accessKey === undefined) {
    findings.at('sessionToken').warning('not used without accessKey and secretKey', {
      fix: 'Set them, or remove sessionToken.',
    });
  }
  if (waitTimeSeconds !== undefined && (waitTimeSeconds < 0 || waitTimeSeconds > 20)) {
    findings.at('waitTimeSeconds').error('SQS does not wait so long', {
      found: describeValue(waitTimeSeconds),
      expected: '0 to 20',
    });
  }
  if (endpoint && !(URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol))) {
    findings.at('endpoint').error('not an address', { expected: 'https://host, or http://host:port' });
  }
}
