import { sharedServers } from './shared-servers';

/** Jest's global teardown of the integration tests. */
export default async function stopServers(): Promise<void> {
  await Promise.all(sharedServers.splice(0).map((server) => server.stop()));
}
