/** Checks of the sources that read RabbitMQ and MQTT brokers, beyond their schema. */
import type { EventOptions, EventSourceSpec } from '../manifest/event-source';
import { describeValue, type Findings } from '../manifest/problem';

const AMQP_URL = /^amqps?:\/\/[^/]/;
/** A scheme is optional. */
const MQTT_URL = /^(?:(?:tcp|mqtt|ssl|tls|tcps|mqtts|mqtt\+ssl):\/\/)?[^:/][^/]*/;
const MQTT_FOREIGN_SCHEME = /^(?!(?:tcp|mqtt|ssl|tls|tcps|mqtts|mqtt\+ssl):)[a-z][\w+.-]*:\/\//i;

export function validateMessageBrokers(spec: EventSourceSpec, findings: Findings): void {
  for (const [name, amqp] of Object.entries(spec.amqp ?? {})) validateAmqp(amqp, findings.at('amqp', name));
  for (const [name, mqtt] of Object.entries(spec.mqtt ?? {})) validateMqtt(mqtt, findings.at('mqtt', name));
}

function validateAmqp(amqp: EventOptions<'amqp'>, findings: Findings): void {
  const { url, urlSecret, exchangeName, exchangeType, queueDeclare, consume } = amqp;
  if (!url && urlSecret === undefined) {
    findings.error('neither url nor urlSecret is set', { fix: 'Set url, or urlSecret to hide it.' });
  } else if (url && urlSecret !== undefined) {
    findings.at('urlSecret').error('set beside url', { fix: 'Set one of them.' });
  }
  if (url && !AMQP_URL.test(url)) {
    findings
      .at('url')
      .error('not the address of an AMQP broker', { expected: 'amqp://host:5672 or amqps://host:5671' });
  }
  if (exchangeName && !exchangeType) {
    findings.error('exchangeType is not set', { expected: 'fanout, direct, topic or headers' });
  }
  if (!queueDeclare?.name || queueDeclare.exclusive === true) {
    findings.at('queueDeclare').warning('messages that are sent while no worker reads are lost, with the queue', {
      fix: 'Set queueDeclare with a name and durable: true, and without exclusive, to let them wait.',
    });
  }
  if (consume?.autoAck === true) {
    findings.at('consume', 'autoAck').warning('not used: a message is acknowledged once the event bus has it', {
      fix: 'Leave it for Argo Events, or remove it.',
    });
  }
}

function validateMqtt({ url, topic }: EventOptions<'mqtt'>, findings: Findings): void {
  if (MQTT_FOREIGN_SCHEME.test(url) || !MQTT_URL.test(url)) {
    findings.at('url').error('not the address of an MQTT broker', { expected: 'tcp://host:1883 or ssl://host:8883' });
  }
  const levels = topic.split('/');
  const isSound = levels.every(
    (level, index) => !/[+#]/.test(level) || level === '+' || (level === '#' && index === levels.length - 1),
  );
  if (isSound) return;
  findings.at('topic').error('not a topic of MQTT', {
    found: describeValue(topic),
    expected: '+ as a whole level, and # as the last one',
  });
}
