/** Trigger `custom`: passes the fire to a gRPC server of the user's own (service triggers.Trigger). */
import { Client, credentials } from '@grpc/grpc-js';
import { writeYaml } from '../yaml/write-yaml';
import { SluiceError } from '../errors/sluice-error';
import { isJsonObject, type JsonObject } from '../event/json';
import { textOf, type JsonDocument } from '../event/json-text';
import { writeExactly } from '../yaml/exact-numbers';
import type { SecretReader } from '../kubernetes/secrets';
import type { CustomTriggerTemplate } from '../manifest/triggers/http';
import { requireAllowedTargets } from '../clients/allowed-targets';
import { ConnectionCache } from '../clients/connection-cache';
import { applyCustomPolicy, executeCustom, fetchCustomResource } from './custom-protocol';
import type { FireRequest, ResourceRequest, Trigger, TriggerDependencies, TriggerOf } from './trigger';

export type CustomTemplate = Omit<CustomTriggerTemplate, 'payload'>;

export const customTrigger: TriggerOf<'custom', 'payload'> = { kind: 'custom', create: createCustomTrigger };

interface ServerSettings {
  readonly address: string;
  readonly secure: boolean;
  /** PEM of the trusted certificate authority; the system's if absent. */
  readonly authority?: string;
  readonly serverName?: string;
}

function createCustomTrigger({ secrets }: TriggerDependencies): Trigger<CustomTemplate> {
  const clients = new ConnectionCache<ServerSettings, Client>({
    open: openClient,
    close: (client) => Promise.resolve(client.close()),
  });

  return {
    async fetchResource({ template, namespace, signal }: ResourceRequest<CustomTemplate>) {
      // Without parameters the server gets its own bytes back unchanged, in whatever format they are.
      if (!template.parameters?.length) return undefined;
      const settings = await readSettings(template, namespace, secrets);
      const resource = await clients.use(settings, (client) =>
        fetchCustomResource({ client, signal }, writeYaml(template.spec)),
      );
      return parseResource(resource);
    },

    async fire({ template, resource, payload, fireId, namespace, signal }: FireRequest<CustomTemplate>) {
      const settings = await readSettings(template, namespace, secrets);
      return clients.use(settings, async (client) => {
        const call = { client, fireId, signal };
        const given = resource === undefined ? undefined : Buffer.from(writeExactly(resource));
        const fetched = given ?? (await fetchCustomResource(call, writeYaml(template.spec)));
        const document = payload === undefined ? undefined : Buffer.from(textOf(payload));
        const response = await executeCustom(call, fetched, document);
        const { success, message } = await applyCustomPolicy(call, response);
        if (!success) throw policyFailed(message);
        return { kind: 'response', summary: `custom trigger server ${template.serverURL} accepted the fire` };
      });
    },

    preview: ({ template, resource, payload }) => ({
      server: template.serverURL,
      FetchResource: writeYaml(template.spec),
      Execute: { resource: resource ?? '<what FetchResource answers>', payload: toText(payload) },
    }),
    close: () => clients.close(),
  };
}

async function readSettings(
  { serverURL, secure, certSecret, serverNameOverride }: CustomTemplate,
  namespace: string,
  secrets: SecretReader,
): Promise<ServerSettings> {
  if (!secure) return { address: serverURL, secure: false };
  const authority = certSecret ? await secrets.secret(namespace, certSecret) : undefined;
  return { address: serverURL, secure: true, authority, serverName: serverNameOverride || undefined };
}

async function openClient({ address, secure, authority, serverName }: ServerSettings): Promise<Client> {
  await requireAllowedTargets(`the custom trigger server ${address}`, serversOf(address));
  const access = secure
    ? credentials.createSsl(authority ? Buffer.from(authority) : null)
    : credentials.createInsecure();
  return new Client(address, access, serverName ? { 'grpc.ssl_target_name_override': serverName } : {});
}

/** Throws TRIGGER_REFUSED for a socket of the worker's own file system. */
function serversOf(target: string): string[] {
  if (/^unix(-abstract)?:/i.test(target)) {
    throw new SluiceError('TRIGGER_REFUSED', {
      message: `custom.serverURL ${target} is a socket in the worker's file system`,
      fix: 'Let the server listen on a TCP port, and write host:port',
    });
  }
  const addresses = target.replace(/^(dns|ipv4|ipv6):(\/\/[^/]*\/)?/i, '');
  return addresses.split(',');
}

function parseResource(bytes: Buffer): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString('utf8'));
  } catch {
    // Reported below: the parser's own message would quote the resource.
  }
  if (isJsonObject(parsed)) return parsed;
  throw new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
    message:
      'custom.parameters cannot be applied: the server answered FetchResource with something other than a JSON object',
    fix: 'Let the server answer with JSON, or pass values in custom.payload instead of custom.parameters',
    retryable: false,
  });
}

function toText(payload: JsonDocument | undefined): string | null {
  return payload === undefined ? null : textOf(payload);
}

function policyFailed(message: string): SluiceError {
  return new SluiceError('TRIGGER_POLICY_FAILED', {
    message: `the custom trigger server's policy reports that the fire did not succeed${message && `: ${message.slice(0, 300)}`}`,
    fix: 'Sluice called ApplyPolicy after Execute; see the log of the server',
  });
}
