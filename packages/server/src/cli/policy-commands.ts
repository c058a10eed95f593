import type { Command } from 'commander';
import { out, type Shell } from './shell.js';

export function addPolicyCommands(shell: Shell): void {
  const policy = shell.flyball.command('policy').description('work on policies');
  const bundleOf = (directory: string | undefined, command: Command) => directory ?? shell.config(command).bundle;
  policy.command('check').argument('[directory]', 'bundle').description('check a bundle and list every fault').action(async (directory: string | undefined, _options, command: Command) => (await import('./policy.js')).check(bundleOf(directory, command), out, directory === undefined ? shell.config(command) : undefined));
  policy
    .command('format')
    .argument('[directory]', 'bundle')
    .option('--check', 'change nothing, and fail where something is not formatted')
    .description('format the policies of a bundle')
    .action(async (directory: string | undefined, options: { readonly check?: boolean }, command: Command) => (await import('./policy.js')).format(bundleOf(directory, command), options.check === true, out));
}
