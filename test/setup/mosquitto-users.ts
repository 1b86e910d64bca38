/** Changes users of a running mosquitto, as its plugin for dynamic security lets an administrator do. */
import { connectAsync, type MqttClient } from 'mqtt';

const CONTROL = '$CONTROL/dynamic-security/v1';

export interface MosquittoUsers {
  /** Their connections are closed. */
  setPassword(user: string, password: string): Promise<void>;
  /** Takes away the role of the same name; connections are closed. */
  removeRole(user: string): Promise<void>;
  close(): Promise<void>;
}

export async function openMosquittoUsers(url: string, username: string, password: string): Promise<MosquittoUsers> {
  const client = await connectAsync(url, { username, password, reconnectPeriod: 50 });
  client.on('error', () => undefined);
  return {
    setPassword: (user, next) => command(client, { command: 'setClientPassword', username: user, password: next }),
    removeRole: (user) => command(client, { command: 'removeClientRole', username: user, rolename: user }),
    close: () => client.endAsync(true),
  };
}

async function command(client: MqttClient, details: object): Promise<void> {
  await client.publishAsync(CONTROL, JSON.stringify({ commands: [details] }), { qos: 1 });
}
