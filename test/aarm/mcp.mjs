import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const callMs = 30_000;

/** A machine that speaks MCP over HTTP and shows a bearer token, or none. */
export async function connect(url, { token, headers = {} }) {
  const client = new Client({ name: 'aarm-suite', version: '1' }, { versionNegotiation: { mode: 'legacy' } });
  const auth = token === undefined ? {} : { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { ...headers, ...auth } } }), { timeout: callMs });
  return client;
}

/** Calls a tool; what came back, or why nothing did. */
export async function callTool(client, name, args) {
  try {
    return { result: await client.callTool({ name, arguments: args }, { timeout: callMs }) };
  } catch (error) {
    return { error };
  }
}

export async function listTools(url, caller = {}) {
  const client = await connect(url, caller);
  try {
    return (await client.listTools()).tools;
  } finally {
    await client.close();
  }
}
