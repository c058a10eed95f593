// Entries of the size and shape that one allowed tool call leaves in the record.
import { createHash, randomBytes, randomUUID } from 'node:crypto';

const sha256 = (text) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const bundle = sha256('bundle');
const tool = sha256('tool');

export const openedBody = (session) => ({ session, identity: 'bench', capabilities: ['*'], implicit: false, inherited: [] });

export const openingPayload = () => ({ salt: randomUUID(), content: '{"purpose":"measuring"}' });

export function payloadOf(message) {
  const target = 'echo';
  const inputs = {
    principal: { id: 'bench', groups: ['benches'], attributes: { kind: 'service-account', autonomy: 'scripted', owner: 'bench', purpose: 'measuring', findings: [] } },
    action: 'echo.use',
    resources: [{ type: 'tool', id: target }],
    context: { args: { message }, unrepresented: [], session: { purpose: 'measuring', capabilities: ['*'], labels: [], actions: ['echo.use'], counts: { 'echo.use': 1 }, spent: {}, refusals: 0, age: { __extn: { fn: 'duration', arg: '1000ms' } } }, facts: {}, origin: { gateway: 'mcp-http', address: { __extn: { fn: 'ip', arg: '127.0.0.1' } } }, now: { __extn: { fn: 'datetime', arg: '2026-01-01T00:00:00.000Z' } } },
    entities: [],
  };
  return { salt: randomBytes(16).toString('base64'), content: JSON.stringify({ target, args: { message }, effective_args: { message }, resources: inputs.resources, inputs, address: '127.0.0.1' }) };
}

export const intentBody = (session) => ({
  identity: 'bench',
  chain: [],
  method: 'local',
  session,
  action: 'echo.use',
  tier: 'inspect',
  upstream: 'echo',
  name: 'echo',
  tool,
  digest: sha256(randomUUID()),
  decision: { outcome: 'allow', kind: 'permitted', policies: [{ policy: 'open', effect: 'permit', result: 'satisfied' }], approvals: [], facts: [], bundle },
  gateway: 'mcp-http',
  labels: [],
  spends: {},
  approvals: [],
});

export const outcomeBody = (session) => ({ session, action: 'echo.use', effect: 'succeeded', answer: 'result', output: sha256('output'), findings: [] });

/** A UUID of version 7 at a moment. */
export function timeId(ms) {
  const hex = ms.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${randomUUID().slice(15)}`;
}
