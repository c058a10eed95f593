import type { JsonObject } from '@flyball/protocol';
import type { Issued } from '../../action/states.js';
import type { GatewayPort } from './port.js';
import { toolsOf } from './tool-book.js';

/**
 * A page of tools with only what the principal could be allowed and what nobody changed since it was agreed
 * to. The same object when nothing had to be taken out, so that its bytes can pass as they are. Showing less
 * replaces no check: each call is decided by itself.
 */
export async function filterTools(port: GatewayPort, issued: Issued, upstream: string, result: JsonObject): Promise<JsonObject> {
  const listed = toolsOf(result);
  await port.tools.observe(upstream, listed);
  const judged = await Promise.all(listed.map(async (definition) => ({ definition, tool: await port.tools.judge(upstream, definition) })));
  const shown = judged.filter(({ tool }) => {
    const call = { upstream, method: 'tools/call', name: tool.name, params: { name: tool.name }, args: {}, tool };
    return tool.accepted && port.couldAllow({ ...issued, call });
  });
  const every = Array.isArray(result['tools']) && shown.length === result['tools'].length;
  const shared = result['cacheScope'] !== undefined && result['cacheScope'] !== 'private';
  if (every && !shared) return result;
  // What depends on the principal must not be kept for another one, also where nothing was taken out.
  return { ...result, tools: shown.map(({ definition }) => definition), ...(shared && { cacheScope: 'private' }) };
}
