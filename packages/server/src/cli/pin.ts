import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonObject } from '@flyball/protocol';
import type { Config, Environment } from '../config.js';
import { Conversation } from '../gateway/mcp/index.js';
import { toolsOf } from '../gateway/mcp/index.js';
import { limits } from '../lib/limits.js';
import { hubUpstream } from '../serve.js';

const protocolVersion = '2025-11-25';

/** Writes what an upstream says about its tools into the bundle, where it can be reviewed: policies are then typed by it, and a change is noticed. */
export async function pin(config: Config, name: string, environment: Environment, out: (line: string) => void): Promise<void> {
  const upstream = hubUpstream(name, config, environment, '');
  const conversation = new Conversation(upstream.open, { hear: () => undefined });
  try {
    await conversation.ask('initialize', { protocolVersion, capabilities: {}, clientInfo: { name: 'flyball', version: '0.1.0' } }, undefined, AbortSignal.timeout(upstream.timeoutMs));
    await conversation.tell('notifications/initialized', {});
    const tools: JsonObject[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < limits.pagesMax; page++) {
      const { result = {} } = await conversation.ask('tools/list', cursor === undefined ? {} : { cursor }, undefined, AbortSignal.timeout(upstream.timeoutMs));
      tools.push(...toolsOf(result));
      cursor = typeof result['nextCursor'] === 'string' ? result['nextCursor'] : undefined;
      if (cursor === undefined) break;
    }
    const file = join(config.bundle, 'tools', `${name}.json`);
    mkdirSync(join(config.bundle, 'tools'), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ tools }, null, 2)}\n`);
    out(`${tools.length} definitions written to ${file}; read them, then reload`);
  } finally {
    await conversation.close();
  }
}
