import type { Command } from 'commander';

/** The options of every command that connects to Temporal; see `TemporalOptions`. */
export function addTemporalOptions(command: Command): Command {
  return command
    .option('--address <host:port>', 'Temporal server (default: TEMPORAL_ADDRESS, the profile, localhost:7233)')
    .option('--temporal-namespace <name>', 'Temporal namespace (default: TEMPORAL_NAMESPACE, the profile, default)')
    .option('--profile <name>', "profile in Temporal's own configuration file (TEMPORAL_PROFILE)");
}
