import { tools } from '../../dev/binaries/catalogue';
import { findBinary } from '../../dev/binaries/find-binary';
import { findPeer } from '../../dev/differential/peer';

/**
 * Jest's global setup of the unit tests, some of which start a small server of their own: finds or gets every server
 * program and the peer of the differential test, so that no test waits for a build. One after the other: builds use all cores.
 */
export default async function findServerBinaries(): Promise<void> {
  for (const tool of Object.values(tools)) await findBinary(tool);
  await findPeer();
}
