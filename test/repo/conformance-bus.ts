/** The bus, the event, metrics, validation and the command; defects of Argo Events; the checklist. */
import type { Section } from './conformance';
import { accepted, differs, refused, testsOf, untested, unsupported } from './conformance-proofs';

const settings = testsOf('test/bus/bus-settings.test.ts');
const connect = testsOf('test/bus/connect.test.ts');
const consume = testsOf('test/bus/consume.test.ts');
const publish = testsOf('test/bus/publish.test.ts');
const subjects = testsOf('test/bus/bus-names.test.ts');
const encoding = testsOf('test/event/encode-event.test.ts');
const ids = testsOf('test/event/event-id.test.ts');
const metrics = testsOf('test/metrics/worker-metrics.integration.test.ts');
const validate = testsOf('test/cli/validate.test.ts');
const apply = testsOf('test/cli/apply.integration.test.ts');
const state = testsOf('test/sandbox/sensor/dependency-state.test.ts');
const parameters = testsOf('test/matching/parameters.test.ts');

export const BUS_SECTIONS: readonly Section[] = [
  {
    title: '3 Event bus',
    rows: [
      [
        '`jetstream`: the bus of the Argo Events controller is used',
        settings('of kind jetstream leads to the service and the Secret that the Argo Events controller makes'),
      ],
      [
        '`jetstream`: a NATS server is installed',
        unsupported('Sluice uses a NATS server and installs none'),
        settings(
          'of kind jetstream is carried by the NATS that SLUICE_BUS_URL names, with the user that the address holds',
        ),
      ],
      ['`jetstream`: pod settings are accepted', accepted('bus-jetstream-all-fields.yaml')],
      [
        '`jetstream`: self-signed certificates',
        connect('is used unverified for the native bus of Argo Events, which has a self-signed certificate'),
      ],
      [
        '`jetstreamExotic`: `url`, `tls`',
        settings('of kind jetstreamExotic leads to its URL'),
        connect('is verified with the CA of the manifest'),
        connect('presents a client certificate if the server requests one'),
      ],
      ['`accessSecret`', connect('accepts %s'), differs('access Secrets of the bus')],
      [
        '`streamConfig`',
        settings('configures the stream by streamConfig, with keys in any case'),
        connect('is created by streamConfig, with as many replicas as the server supports, and then left unchanged'),
        differs('`streamConfig` of `jetstreamExotic`'),
      ],
      ['more replicas than servers', differs('more replicas than the server can keep')],
      [
        'one stream `default`, subjects `default.<source>.<event>`',
        subjects('put event source %s and event %s on %s of any stream'),
        subjects('are those of Argo Events only for the events of a bus shared with it'),
        publish('puts them on the stream and subjects of Argo Events, with their key as message id'),
      ],
      [
        'an existing stream is left alone',
        connect('is created by streamConfig, with as many replicas as the server supports, and then left unchanged'),
      ],
      ['dots in names', differs('event source and event names with dots')],
      [
        '`Nats-Msg-Id` is made from the event id; duplicates are dropped',
        publish('stores an event that is published twice once, and reports the duplicate'),
        publish('keeps events of two sources with one id apart'),
      ],
      ['a consumer for each trigger and dependency', differs('consumers')],
      [
        'a new sensor sees new events only; a restarted one continues',
        consume('reads earlier events with "all", only later ones with "new", and those since a time'),
        consume('continues at its position, naks prefetched events, and does not get acknowledged events again'),
      ],
      ['`retention: 2`', differs('`retention: 2` (work queue)')],
      [
        'reconnects',
        consume('continues after a restart of the server, without losing events or repeating acknowledged ones'),
      ],
      [
        'held events are kept (there: in a key-value bucket; here: in the workflow of the sensor)',
        testsOf('test/workflows/sensor/sensor-scenarios.ts')('a && b fires once with the latest event of each'),
      ],
      ['several bus kinds, or none', refused('bus-several.yaml'), refused('bus-none.yaml')],
      ['a bus that is in use cannot be deleted', apply('rejects deleting a bus in use')],
      [
        '`nats` (STAN)',
        accepted('bus-exotic-and-kafka-and-stan.yaml'),
        unsupported('checked, and refused when applied'),
      ],
      [
        '`kafka` bus',
        accepted('bus-exotic-and-kafka-and-stan.yaml'),
        refused('bus-kafka.yaml'),
        unsupported('checked, and refused when applied'),
      ],
    ],
  },
  {
    title: '4.1 Event',
    rows: [
      ['CloudEvents 1.0 in structured JSON', encoding('are valid CloudEvents to the CloudEvents library')],
      ['`data` and `data_base64` are read', encoding('are read as Argo Events writes them: JSON data in base64')],
      [
        'sensors of Argo Events and of Sluice share a bus',
        publish('is read by sensors next to events that Argo Events published'),
        encoding('are valid CloudEvents to the CloudEvents library'),
      ],
      ['data that is not JSON', encoding('keep data that is not JSON in base64')],
      [
        'ids of 32 hex digits',
        differs('event ids'),
        ids('is the same each time a producer repeats its CloudEvent, and another for another source'),
      ],
      [
        'a message that is no event',
        consume('passes on a malformed message with the reason, without blocking later ones'),
      ],
    ],
  },
  {
    title: '4.2 Metrics',
    rows: [
      [
        '`argo_events_events_sent_total` and the others of event sources',
        metrics('counts the results of its event sources'),
      ],
      [
        '`argo_events_action_triggered_total` and the others of sensors',
        metrics('counts the decisions of its sensors, and the results of every fire'),
      ],
      ['names and labels', metrics("exports them next to Temporal's own, with exactly the documented labels")],
      [
        'events dropped by filters, lag (not counted by Argo Events)',
        metrics('measures the backlog and the parked runs of its sensors'),
      ],
    ],
  },
  {
    title: '4.3 Validation',
    rows: [
      [
        'EventBus: required fields, one implementation, replicas 1 or at least 3',
        refused('bus-jetstream.yaml'),
        refused('bus-two-replicas.yaml'),
        refused('bus-exotic-no-url.yaml'),
      ],
      [
        'EventBus: changes of an immutable field',
        untested('a changed bus is taken over: the stream itself is left alone'),
      ],
      [
        'EventSource: one name once, kinds that go together',
        refused('source-event-name-twice.yaml'),
        differs('kinds of one EventSource that need one reader beside kinds that do not'),
      ],
      ['Sensor: dependencies and filters', refused('dependency-fields.yaml'), refused('filter-data.yaml')],
      ['Sensor: triggers', refused('trigger-names.yaml'), refused('trigger-kinds.yaml')],
      ['Sensor: `conditionsReset`', refused('conditions-reset.yaml')],
      ['Sensor: parameters', refused('parameters.yaml'), refused('parameters-shape.yaml')],
      [
        'Sensor: every trigger kind',
        refused('brokers.yaml'),
        refused('messages.yaml'),
        refused('custom.yaml'),
        refused('cloud.yaml'),
      ],
      [
        'what Argo Events does not check: expressions, patterns, conditions',
        differs('syntax of jq, Lua, templates, expressions, regular expressions, data filter values'),
      ],
      ['unknown fields are dropped', differs('unknown fields in a manifest')],
      ['admission webhook', unsupported('`sluice apply` refuses; nothing listens to the API server')],
    ],
  },
  {
    title: '4.4 Command',
    rows: [
      [
        '`lint`: files and folders, ✓ and ✗, exit code 1',
        validate('marks valid and invalid objects in the table'),
        validate('accepts valid manifests, and lists every object of every file'),
      ],
      ['`lint --strict`: warnings count', validate('treats warnings as errors with --strict')],
      ['YAML that cannot be read (`lint` skips it, here it is an error)', validate('rejects %s')],
      [
        'EventBus objects (`lint` leaves them out, here they are checked)',
        validate('accepts valid manifests, and lists every object of every file'),
      ],
    ],
  },
  {
    title: '7 Defects of Argo Events',
    rows: [
      ['1 `retryStrategy` without `atLeastOnce`', differs('`retryStrategy`')],
      ['3 `log.intervalSeconds`', differs('`log.intervalSeconds`')],
      ['4 parameters that are thrown away', differs('`parameters` of `nats` (subject), `slack` and `email`')],
      ['5 an error under `or`', differs('an error in a filter under `or`')],
      ['7 a crash on a payload without event', differs('a payload or dynamic header whose dependency has no event')],
      ['8 a crash on a `rateLimit` without number', differs('`rateLimit` without `requestsPerUnit`')],
      [
        '9, 10 `submit-from` and policies report failure after success',
        differs('`argoWorkflow` `submit-from`'),
        differs('`policy` of `argoWorkflow` `submit`'),
      ],
      ['12 Kafka: acknowledgements and flushing', differs('Kafka delivery')],
      ['18 an event is known for 60 s', differs('an event delivered again')],
      ['21 a bad condition is accepted', differs('a bad condition or reset schedule')],
      ['22 HTTP 500 is success', differs('HTTP answers from 300 up')],
      [
        '23 deleted sensors leave consumers behind',
        testsOf('test/workflows/sensor/sensor-scenarios.ts')('a deleted sensor leaves nothing on its bus'),
      ],
      [
        '24 events rejected by a source are only logged',
        differs('an event that a source filter drops, or that is not JSON where JSON is asked for'),
      ],
      [
        '25 no metrics of what is dropped',
        metrics('counts the decisions of its sensors, and the results of every fire'),
      ],
    ],
  },
  {
    title: '8 Easily missed',
    rows: [
      ['6 fires include leftovers from other branches', state('includes held events of other branches')],
      ['7 a reset catches up after an outage', state('catches up on a tick that passed while no worker ran')],
      ['9 acknowledged before or after the action', differs('`atLeastOnce`')],
      ['11 `useRawData` affects keys only', parameters('write templates as text, also raw')],
      [
        '12 a whole event has base64 data and whole seconds',
        parameters('is the whole event if nothing is selected: context, and the data in base64'),
      ],
      [
        '13 labels on created objects',
        testsOf('test/triggers/k8s.integration.test.ts')(
          'labels and annotates the object with sensor, trigger, fire and events',
        ),
      ],
      ['14 Redis sources', differs('delivery of the Redis stream source'), differs('a new consumer group')],
      [
        '15 the event id is the broker’s key against duplicates',
        publish('puts them on the stream and subjects of Argo Events, with their key as message id'),
      ],
      [
        '16 one trailing newline of secrets is removed',
        testsOf('test/kubernetes/secret-readers.integration.test.ts')(
          'are read from mounted files, then the environment, then the Kubernetes API, without one trailing newline',
        ),
      ],
    ],
  },
];
