/**
 * The identity of the machine that a worker runs on. The AWS SDK finds it by itself, through the metadata service of the
 * cloud and not through our guarded connections, so a manifest without keys would have the rights of the node.
 */
import { AddressBlocked, requireAllowedAddress } from '../blocked-addresses';

const METADATA_SERVICE = '169.254.169.254';

/** Keeps the SDK from asking the metadata service, unless the operator of the worker has allowed its address. */
export function withholdNodeIdentity(environment: NodeJS.ProcessEnv = process.env): void {
  try {
    requireAllowedAddress(METADATA_SERVICE);
  } catch (error) {
    if (!(error instanceof AddressBlocked)) throw error;
    environment['AWS_EC2_METADATA_DISABLED'] = 'true';
  }
}
