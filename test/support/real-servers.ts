import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './governor.js';

const folder = join(root, '.cache/servers');
const installMs = 120_000;

/** Real MCP servers from npm that need no network, by the name of their upstream: package, version, script. */
const servers = {
  everything: ['@modelcontextprotocol/server-everything', '2026.8.31', 'dist/index.js'],
  files: ['@modelcontextprotocol/server-filesystem', '2026.8.31', 'dist/index.js'],
  memory: ['@modelcontextprotocol/server-memory', '2026.8.31', 'dist/index.js'],
  thinking: ['@modelcontextprotocol/server-sequential-thinking', '2026.8.31', 'dist/index.js'],
  eslint: ['@eslint/mcp', '0.3.13', 'src/mcp-cli.js'],
  git: ['@cyanheads/git-mcp-server', '2.15.3', 'dist/index.js'],
} as const;

export type ServerName = keyof typeof servers;
export const serverNames = Object.keys(servers) as readonly ServerName[];

export const scriptOf = (name: ServerName): string => join(folder, 'node_modules', servers[name][0], servers[name][2]);

/** Installs what is missing. False, and said loudly, when there is no registry; on CI that is a failure. */
export function installServers(): boolean {
  if (serverNames.every((name) => existsSync(scriptOf(name)))) return true;
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, 'package.json'))) writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const wanted = serverNames.map((name) => `${servers[name][0]}@${servers[name][1]}`);
  try {
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...wanted], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], timeout: installMs });
    return true;
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    console.warn(`\n!!! SKIPPED: the real MCP servers could not be installed from npm (${wanted.join(', ')}). Nothing was tested with them. !!!\n`);
    return false;
  }
}
