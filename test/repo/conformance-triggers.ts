/** Delivery settings, every kind of trigger, resource sources. */
import type { Section } from './conformance';
import { accepted, differs, refused, testsOf, unsupported } from './conformance-proofs';

const retries = testsOf('test/sandbox/run/retry-plan.test.ts');
const runs = testsOf('test/workflows/run/sensor-run.integration.test.ts');
const limits = testsOf('test/activities/firing/rate-limit.test.ts');
const registry = testsOf('test/triggers/registry.test.ts');
const k8s = testsOf('test/triggers/k8s.integration.test.ts');
const argo = testsOf('test/triggers/argo-workflow.integration.test.ts');
const argoChange = testsOf('test/triggers/argo/change-workflow.integration.test.ts');
const http = testsOf('test/triggers/http.test.ts');
const nats = testsOf('test/triggers/nats.test.ts');
const kafka = testsOf('test/triggers/kafka.test.ts');
const slack = testsOf('test/triggers/slack.test.ts');
const email = testsOf('test/triggers/email.test.ts');
const log = testsOf('test/triggers/log.test.ts');
const custom = testsOf('test/triggers/custom.test.ts');
const kinds = testsOf('test/triggers/kind-parameters.test.ts');
const sources = testsOf('test/triggers/resource-sources/resource-sources.test.ts');
const git = testsOf('test/triggers/resource-sources/git.test.ts');
const cloud = differs('kinds of trigger without a page in [triggers](triggers/)');

export const TRIGGER_SECTIONS: readonly Section[] = [
  {
    title: '1.6 Delivery, retries, limits, policies',
    rows: [
      ['`atLeastOnce: false`, the default, is at most once', differs('`atLeastOnce`')],
      [
        '`atLeastOnce: true`: redelivered after a crash',
        testsOf('test/activities/listener/listen.integration.test.ts')(
          'does not fire twice what a worker started that died before it acknowledged, however it is cut anew',
        ),
      ],
      [
        '`retryStrategy`: `steps` attempts, five by default',
        retries('steps are attempts, the first included'),
        retries('no steps means five'),
        runs('gives up after the steps of the retry strategy'),
      ],
      [
        '`retryStrategy`: `duration` as Go duration or nanoseconds, `factor` as text or number',
        retries('a number is nanoseconds'),
        retries('a factor may be text'),
      ],
      ['`retryStrategy` works only with `atLeastOnce`', differs('`retryStrategy`')],
      ['no `retryStrategy`: one attempt', differs('`retryStrategy`')],
      ['after the last attempt the event is gone', differs('a trigger that failed for good')],
      [
        '`rateLimit`: per trigger, second by default',
        limits('counts in seconds when no unit is given'),
        runs('keeps an exact rate limit over two workers'),
      ],
      ['`rateLimit`: a leaky bucket with slack', differs('`rateLimit`')],
      ['`rateLimit` without `requestsPerUnit`', differs('`rateLimit` without `requestsPerUnit`')],
      ['`dlqTrigger` runs after the last attempt', runs('hands what failed for good to the dead-letter trigger')],
      ['`dlqTrigger` needs `atLeastOnce`', differs('`dlqTrigger` without `atLeastOnce`')],
      [
        '`policy.k8s`: waits for labels; a time-out fails only if told to',
        k8s('waits until the object has the labels'),
        k8s('fails when told to'),
        k8s('succeeds otherwise, as in Argo Events'),
      ],
      ['`policy.status`: allowed codes', http('lets policy.status.allow decide')],
      ['policies without labels or codes', refused('delivery-values.yaml'), refused('delivery.yaml')],
      ['while an action runs, its message is kept from being redelivered', differs('`atLeastOnce`')],
    ],
  },
  {
    title: '1.7 Triggers',
    rows: [
      ['`name` is required and unique', refused('trigger-no-name.yaml'), refused('trigger-names.yaml')],
      [
        'one type each; several, or none',
        registry('is the one block that its template sets'),
        differs('a trigger with several types, or none'),
      ],
      [
        'delivery settings written under `template`',
        differs('`policy`, `retryStrategy`, `rateLimit`, `atLeastOnce`, `dlqTrigger` under `template`'),
      ],
      [
        'order: parameters of the template, then the resource and its parameters',
        testsOf('test/cli/test.test.ts')('applies parameters of the template before those of the resource'),
      ],
      ['clients are kept by trigger name', differs('clients of triggers')],
    ],
  },
  {
    title: '1.9 k8s',
    rows: [
      [
        '`create` with the labels sensor, trigger, action-timestamp',
        k8s('marks the object with sensor, trigger, fire and events'),
        differs('annotations of created objects'),
      ],
      ['an object that exists', differs('"already exists" on create')],
      ['the resource of a kind by English plurals', differs('resource names of the `k8s` trigger')],
      [
        'namespace: the object’s, else the Sensor’s; cluster-scoped kinds',
        k8s('puts objects without a namespace beside the Sensor, and finds plurals and cluster scope by asking'),
      ],
      [
        '`update` merges into the live object, lists are replaced',
        k8s(
          'merges an update into what is there, as Argo Events does: replaces by empty values and null, keeps the rest',
        ),
      ],
      ['`update` and `patch` create what is missing', differs('`k8s` `update` or `patch` of a missing object')],
      [
        '`liveObject`: parameters apply to the live object',
        k8s('gives the object in the cluster for its parameters with liveObject, and writes it back whole'),
      ],
      [
        '`patchStrategy`: merge by default, strategic, apply, JSON patch',
        k8s('merge by default'),
        k8s('strategic merge'),
        k8s('server-side apply'),
        k8s('JSON patch'),
        differs('`k8s` `patch` with JSON Patch'),
      ],
      ['`delete`; nothing there is success', k8s('deletes, and finds nothing wrong with what is gone already')],
      ['an unknown operation, no source', refused('k8s.yaml')],
    ],
  },
  {
    title: '1.9 argoWorkflow',
    rows: [
      ['runs the `argo` command', differs('`argoWorkflow`')],
      [
        '`submit` with labels and `args`',
        argo('creates the Workflow with the options of the command line and the marks of the fire'),
      ],
      [
        '`submit-from` a WorkflowTemplate or CronWorkflow',
        argo('starts a WorkflowTemplate by reference'),
        argo('expands a CronWorkflow and makes it the owner'),
        differs('`argoWorkflow` `submit-from`'),
      ],
      ['`resubmit`', argo('creates the same Workflow again, without what belonged to the old life')],
      ['`retry`', argoChange('runs the failed part again on the same object and deletes its pods first')],
      [
        '`suspend`, `resume`',
        argoChange('suspends a running Workflow, once'),
        argoChange('resumes everything, with the defaults of what nobody supplied'),
      ],
      ['`stop`, `terminate`', differs('`stop` and `terminate` of a suspended Workflow')],
      ['no operation', differs('`argoWorkflow` without `operation`')],
      ['`policy` after `submit`', differs('`policy` of `argoWorkflow` `submit`')],
      ['names from `generateName`', differs('names from `generateName`')],
    ],
  },
  {
    title: '1.9 http',
    rows: [
      [
        '`url`, `method` (POST by default), `payload`',
        http('posts the payload as JSON, with the id of the fire'),
        http('uses the method %s'),
      ],
      ['other methods, no address', refused('http.yaml'), refused('http-values.yaml')],
      ['`timeout`, 60 s by default', http('may try again when no answer came in time')],
      [
        '`headers` < `dynamicHeaders` < `secureHeaders` < `basicAuth`',
        http('lets headers win in the order headers, dynamicHeaders, secureHeaders, basicAuth'),
      ],
      ['header names as written', http('sends header names exactly as written, and leaves the user the last word')],
      ['`tls`', http('trusts the authority from caCertSecret and shows its client certificate')],
      ['`parameters`, `host`', kinds('set the headers and body of http')],
      ['any status is success', differs('HTTP answers from 300 up')],
    ],
  },
  {
    title: '1.9 Other triggers',
    rows: [
      [
        'nats: `url`, `subject`, `payload`; `parameters` of the subject',
        nats('publishes the payload as JSON to a subject without a stream'),
        differs('`parameters` of `nats` (subject), `slack` and `email`'),
      ],
      ['nats: `auth`, `tls`', nats('identifies itself by %s'), nats('speaks TLS with a client certificate')],
      ['nats: published without acknowledgement', differs('NATS delivery')],
      [
        'kafka: `url` with several brokers, `topic`, `payload`',
        kafka('tries every broker of the list'),
        kafka('writes one record per fire and says where it is'),
      ],
      [
        'kafka: `requiredAcks`, `compress`, `partitioningKey`',
        kafka('can wait for %s'),
        kafka('compresses with snappy'),
        kafka('puts records with the same key into the same partition'),
      ],
      ['kafka: `sasl`, `tls`', kafka('identifies itself by %s'), differs('Kafka TLS')],
      ['kafka: `schemaRegistry`', differs('Kafka `schemaRegistry`, `OAUTHBEARER`, `GSSAPI`')],
      ['kafka: success once queued', differs('Kafka delivery')],
      [
        'slack: `channel`, `message`, `attachments`, `blocks`, `sender`',
        slack('posts a message to a channel, with the token as bearer'),
        slack('posts attachments, blocks and sender'),
      ],
      ['slack: `thread`', slack('gathers messages with the same key in one thread')],
      ['email: one mail to each recipient', email('sends one mail to each recipient')],
      ['email: `smtpPassword`', email('logs in')],
      ['email: addresses by a simple pattern', differs('mail addresses')],
      ['log: one line per event, data as text or base64', log('writes one structured line per event')],
      ['log: `intervalSeconds`', differs('`log.intervalSeconds`')],
      [
        'custom: FetchResource, Execute, ApplyPolicy',
        custom('fetches the resource, executes it with the payload and asks for the policy'),
      ],
      ['custom: parameters need a JSON resource', custom('needs a JSON object to apply parameters to')],
      [
        'custom: `secure`, `certSecret`, `serverNameOverride`',
        custom('trusts the certificate of certSecret, under the name that serverNameOverride gives'),
      ],
      ['custom: a policy that says no', differs("policy of a `custom` trigger's server")],
      [
        'kinds without a page in docs/triggers',
        accepted('trigger-cloud.yaml'),
        cloud,
        unsupported('checked, and refused when applied'),
      ],
    ],
  },
  {
    title: '1.10 Resource sources',
    rows: [
      ['`resource`, `inline`, `configmap`', sources('give the object, from YAML or JSON')],
      ['the first in a fixed order wins', sources('the first in the order of Argo Events wins')],
      ['`file`', differs('`source.file`')],
      [
        '`url`',
        sources('reads what the server answers, over redirects'),
        differs('`source.url` without `verifyCert`'),
        differs('a URL larger than 512 KiB'),
      ],
      ['`git`: branch, tag, ref', git('a branch'), git('a tag'), git('a full reference')],
      [
        '`git`: credentials, SSH key, host keys',
        git('never shows credentials and leaves nothing behind'),
        git('reads over SSH with a key, and trusts only known hosts'),
      ],
      ['`git`: the branch `master` by default', differs('`source.git` without branch, tag and ref')],
      ['`git`: `githubApp`', differs('`source.git` with `githubApp`')],
      [
        '`s3`',
        sources('reads with a signed request, whatever the key is called'),
        differs('credentials `source.s3` does not name'),
      ],
    ],
  },
];
