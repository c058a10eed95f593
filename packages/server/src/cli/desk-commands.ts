import type { Command } from 'commander';
import { environment, out, type Shell } from './shell.js';

/** What administrators see and do. */
export function addDeskCommands(shell: Shell): void {
  const { flyball } = shell;
  flyball.command('sessions').description('list sessions').option('--json').option('--most <n>', 'how many', '50').action(async (options: { most: string }, command: Command) => shell.show(command, await shell.desk(command, (desk) => desk.sessions(Number(options.most))), ['id', 'identity', 'purpose', 'state', 'actions', 'refusals', 'labels', 'spent', 'until']));
  flyball.command('actions').description('list what was attempted').option('--json').option('--most <n>', 'how many', '50').option('--session <id>').action(async (options: { most: string; session?: string }, command: Command) => shell.show(command, await shell.desk(command, (desk) => desk.actions(Number(options.most), options.session)), ['id', 'at', 'identity', 'action', 'outcome', 'effect']));
  flyball.command('explain').argument('<id>').description('why an attempt ended as it did').option('--json').action(async (id: string, _options, command: Command) => {
    const explanation = await shell.desk(command, (desk) => desk.explain(id));
    out(shell.common(command).json ? JSON.stringify(explanation, null, 2) : (await import('./explain.js')).format(explanation));
  });
  flyball.command('holds').description('list everything that waits for people or facts').option('--json').action(async (_options, command: Command) => shell.show(command, await shell.desk(command, (desk) => desk.holds()), ['id', 'identity', 'action', 'state', 'waits_for', 'agreed', 'until']));
  const tools = flyball.command('tools').description('tool definitions of upstreams');
  tools.command('list').option('--json').description('list them and whether they are as agreed').action(async (_options, command: Command) => shell.show(command, await shell.desk(command, (desk) => desk.tools()), ['upstream', 'tool', 'accepted', 'digest']));
  tools.command('accept').argument('<upstream>').argument('<tool>').option('--as <person>').description('accept a changed definition').action(async (upstream: string, tool: string, options: { as?: string }, command: Command) => out(JSON.stringify(await shell.desk(command, (desk) => desk.acceptTool(upstream, tool, options.as ?? 'operator')))));
  tools.command('pin').argument('<upstream>').description('write an upstream\'s definitions into the bundle').action(async (upstream: string, _options, command: Command) => (await import('./pin.js')).pin(shell.config(command), upstream, environment, out));
  flyball.command('reload').description('load the bundle again; what is invalid changes nothing').action(async (_options, command: Command) => out(JSON.stringify(await shell.desk(command, (desk) => desk.reload()))));
}
