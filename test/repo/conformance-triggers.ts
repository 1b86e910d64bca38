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
          'fires once if a worker dies between starting a run and the ack, however the batch is split again',
        ),
      ],
      [
        '`retryStrategy`: `steps` attempts, five by default',
        retries('steps are attempts, the first included'),
        retries('no steps means five'),
        runs('parks after the steps of the retry strategy'),
      ],
      [
        '`retryStrategy`: `duration` as Go duration or nanoseconds, `factor` as text or number',
        retries('a number is nanoseconds'),
        retries('a factor may be a string'),
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
      ['`dlqTrigger` runs after the last attempt', runs('sends a permanent failure to the dead-letter trigger')],
      ['`dlqTrigger` needs `atLeastOnce`', differs('`dlqTrigger` without `atLeastOnce`')],
      [
        '`policy.k8s`: waits for labels; a time-out fails only if told to',
        k8s('waits until the object has the labels'),
        k8s('fails if configured'),
        k8s('succeeds otherwise, as in Argo Events'),
      ],
      ['`policy.status`: allowed codes', http('lets policy.status.allow override the default')],
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
        registry('is the only block that its template sets'),
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
        k8s('labels and annotates the object with sensor, trigger, fire and events'),
        differs('annotations of created objects'),
      ],
      ['an object that exists', differs('"already exists" on create')],
      ['the resource of a kind by English plurals', differs('resource names of the `k8s` trigger')],
      [
        'namespace: the object’s, else the Sensor’s; cluster-scoped kinds',
        k8s('creates objects without a namespace in that of the Sensor, and discovers plurals and cluster scope'),
      ],
      [
        '`update` merges into the live object, lists are replaced',
        k8s('merges an update into the object, as Argo Events does: replaces by empty values and null, keeps the rest'),
      ],
      ['`update` and `patch` create what is missing', differs('`k8s` `update` or `patch` of a missing object')],
      [
        '`liveObject`: parameters apply to the live object',
        k8s('applies parameters to the live object with liveObject, and writes it back whole'),
      ],
      [
        '`patchStrategy`: merge by default, strategic, apply, JSON patch',
        k8s('merge by default'),
        k8s('strategic merge'),
        k8s('server-side apply'),
        k8s('JSON patch'),
        differs('`k8s` `patch` with JSON Patch'),
      ],
      ['`delete`; nothing there is success', k8s('deletes, and accepts an object that is already gone')],
      ['an unknown operation, no source', refused('k8s.yaml')],
    ],
  },
  {
    title: '1.9 argoWorkflow',
    rows: [
      ['runs the `argo` command', differs('`argoWorkflow`')],
      [
        '`submit` with labels and `args`',
        argo('creates the Workflow with the options of the args and the metadata of the fire'),
      ],
      [
        '`submit-from` a WorkflowTemplate or CronWorkflow',
        argo('starts a WorkflowTemplate by reference'),
        argo('expands a CronWorkflow and makes it the owner'),
        differs('`argoWorkflow` `submit-from`'),
      ],
      ['`resubmit`', argo('creates the same Workflow again, without the status of the old one')],
      ['`retry`', argoChange('reruns the failed nodes on the same object and deletes their pods first')],
      [
        '`suspend`, `resume`',
        argoChange('suspends a running Workflow, once'),
        argoChange('resumes every node, with the defaults of missing parameters'),
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
      ['`timeout`, 60 s by default', http('fails transiently after a timeout')],
      [
        '`headers` < `dynamicHeaders` < `secureHeaders` < `basicAuth`',
        http('lets headers win in the order headers, dynamicHeaders, secureHeaders, basicAuth'),
      ],
      [
        'header names as written',
        http('sends header names exactly as written, and lets the manifest override defaults'),
      ],
      ['`tls`', http('trusts the CA of caCertSecret and presents its client certificate')],
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
      ['nats: `auth`, `tls`', nats('authenticates with %s'), nats('uses TLS with a client certificate')],
      ['nats: published without acknowledgement', differs('NATS delivery')],
      [
        'kafka: `url` with several brokers, `topic`, `payload`',
        kafka('tries every broker of the list'),
        kafka('writes one record per fire and returns its position'),
      ],
      [
        'kafka: `requiredAcks`, `compress`, `partitioningKey`',
        kafka('waits for %s'),
        kafka('compresses with snappy'),
        kafka('puts records with the same key into the same partition'),
      ],
      ['kafka: `sasl`, `tls`', kafka('authenticates with %s'), differs('Kafka TLS')],
      ['kafka: `schemaRegistry`', differs('Kafka `schemaRegistry`, `OAUTHBEARER`, `GSSAPI`')],
      ['kafka: success once queued', differs('Kafka delivery')],
      [
        'slack: `channel`, `message`, `attachments`, `blocks`, `sender`',
        slack('posts a message to a channel, with the token as bearer'),
        slack('posts attachments, blocks and sender'),
      ],
      ['slack: `thread`', slack('posts messages with the same key in one thread')],
      ['email: one mail to each recipient', email('sends one mail to each recipient')],
      ['email: `smtpPassword`', email('logs in')],
      ['email: addresses by a simple pattern', differs('mail addresses')],
      ['log: one line per event, data as text or base64', log('writes one structured line per event')],
      ['log: `intervalSeconds`', differs('`log.intervalSeconds`')],
      [
        'custom: FetchResource, Execute, ApplyPolicy',
        custom('fetches the resource, executes it with the payload and asks for the policy'),
      ],
      ['custom: parameters need a JSON resource', custom('requires a JSON object to apply parameters to')],
      [
        'custom: `secure`, `certSecret`, `serverNameOverride`',
        custom('trusts the certificate of certSecret, under the name of serverNameOverride'),
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
      ['`resource`, `inline`, `configmap`', sources('return the object, from YAML or JSON')],
      ['the first in a fixed order wins', sources('use the first in the order of Argo Events')],
      ['`file`', differs('`source.file`')],
      [
        '`url`',
        sources('reads the response, over redirects'),
        differs('`source.url` without `verifyCert`'),
        differs('a URL larger than 512 KiB'),
      ],
      ['`git`: branch, tag, ref', git('a branch'), git('a tag'), git('a full reference')],
      [
        '`git`: credentials, SSH key, host keys',
        git('never shows credentials and leaves no files behind'),
        git('reads over SSH with a key, and trusts only known hosts'),
      ],
      ['`git`: the branch `master` by default', differs('`source.git` without branch, tag and ref')],
      ['`git`: `githubApp`', differs('`source.git` with `githubApp`')],
      ['`s3`', sources('reads with a signed request, for any key'), differs('credentials `source.s3` does not name')],
    ],
  },
];
