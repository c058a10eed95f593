// All that depends on what Flyball's receipts look like and how they are fetched. A receipt is the thread of one
// attempt: a tlog-proof for each entry about it (hold, approvals, intent, outcome, or refusal).
import { createHash, generateKeyPairSync } from 'node:crypto';
import { formatKey, leafHash, parseProof, verifyProof, withExtra, withOtherSignature } from './tlog-proof.mjs';

const readyMs = 15_000;
const stepMs = 100;
const decisions = { deny: 'DENY', step_up: 'STEP_UP', defer: 'DEFER', modify: 'MODIFY', allow: 'ALLOW' };
const attempts = ['intent', 'hold', 'refusal'];

export function receiptsOf(installation, desk) {
  const fetchThread = async (id, caller) => {
    const path = `/v1/receipts/${id}?thread=1&body=1`;
    if (!caller) return (await desk.get(path)).body;
    const response = await fetch(`${installation.machines}${path}`, { headers: { authorization: `Bearer ${caller.token}` } });
    return response.ok ? response.json() : undefined;
  };
  return {
    /** The receipt of an attempt, by its id in the record, as the caller gets it. Nothing when there is none. */
    async of(id, caller) {
      const until = Date.now() + readyMs;
      for (;;) {
        const thread = await fetchThread(id, caller);
        if (!thread?.receipts || Date.now() > until) return undefined;
        if (thread.receipts.length > 0 && thread.pending.length === 0 && isWhole(thread.receipts)) return toReceipt(thread.receipts);
        await new Promise((done) => setTimeout(done, stepMs));
      }
    },

    /** Where anybody finds the keys, without a token. */
    async publicKeys() {
      const response = await fetch(`${installation.machines}/.well-known/flyball-log`);
      return response.ok ? (await response.json()).keys : [];
    },

    verify,
    tampered,
    otherKey,
    /** The texts that are signed, for looking whether they are canonical. */
    signedTexts: ({ parts }) => parts.map((part) => readPart(part).entryText),
    /** Where the parts stand in the log. */
    positions: ({ parts }) => parts.map((part) => parseProof(part).index),
    /** Each part's place in the session, its hash, and the hash that it gives of the one before. */
    links: ({ parts }) => parts.map(readPart).flatMap(({ entryText, entry }) => entry.streams.filter(({ stream }) => stream.startsWith('session:')).map(({ version, prev }) => ({ version, previous: prev, hash: leafHash(entryText).toString('base64') }))),
  };
}

/** How it ended: a tool that says that it failed has failed, whatever it did before that. */
const resultOf = (outcome) => (outcome?.answer === 'tool_error' ? 'failed' : outcome?.effect);

/** What was begun has ended. */
function isWhole(parts) {
  const kinds = parts.map((part) => readPart(part).entry.kind);
  return !kinds.includes('intent') || kinds.includes('outcome');
}

/** Verifies every part with nothing but the receipt and the keys. */
function verify({ parts }, keys) {
  try {
    const found = parts.map((part) => {
      const { entryText, entry, body } = readPart(part);
      if (body && entry.payload !== digestOf(body)) throw new Error('the contents are not those of the entry');
      return verifyProof(part, entryText, keys);
    });
    return { valid: found.length > 0, algorithm: found[0]?.algorithm, positions: found.map(({ index }) => index) };
  } catch (error) {
    return { valid: false, why: error.message };
  }
}

const digestOf = ({ salt, content }) => `sha256:${createHash('sha256').update(salt).update(content).digest('hex')}`;

function readPart(part) {
  const { extra } = parseProof(part);
  const { entry: entryText, body } = JSON.parse(extra);
  return { entryText, entry: JSON.parse(entryText), body, content: body ? JSON.parse(body.content) : {} };
}

/** A key of the same name that is not the log's. */
async function otherKey() {
  const { publicKey } = generateKeyPairSync('ed25519');
  const data = Buffer.concat([Buffer.of(1), publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)]);
  return formatKey('another.example', data);
}

/** What is changed where, for each thing that somebody might want to have been otherwise. */
const tamperings = {
  requester: (entry) => ({ ...entry, body: { ...entry.body, identity: 'somebody-else' } }),
  policy: (entry) => ({ ...entry, body: { ...entry.body, decision: { ...entry.body.decision, bundle: `sha256:${'0'.repeat(64)}` } } }),
  decision: (entry) => ({ ...entry, body: { ...entry.body, decision: { ...entry.body.decision, outcome: 'allow' } } }),
  time: (entry) => ({ ...entry, at: entry.at - 1 }),
};

/** The receipt with one thing in it changed, and the same signatures. */
function tampered({ parts }, what) {
  const at = parts.findIndex((part) => attempts.includes(readPart(part).entry.kind));
  const changed = parts.map((part, index) => (index === at ? tamperPart(part, what) : part));
  return { parts: changed };
}

function tamperPart(part, what) {
  if (what === 'signature') return withOtherSignature(part);
  const { entry, body, content } = readPart(part);
  if (what === 'parameters' || what === 'scope') {
    const inputs = what === 'scope' ? { ...content.inputs, principal: { ...content.inputs.principal, groups: ['everybody'] } } : content.inputs;
    const other = JSON.stringify({ ...content, inputs, ...(what === 'parameters' && { args: { ...content.args, mark: 'another' } }) });
    return withExtra(part, JSON.stringify({ entry: readPart(part).entryText, body: { ...body, content: other } }));
  }
  return withExtra(part, JSON.stringify({ entry: JSON.stringify(tamperings[what](entry)), body }));
}

/** The thread as one receipt, in the suite's words. */
function toReceipt(parts) {
  const read = parts.map(readPart).sort((left, right) => left.entry.at - right.entry.at);
  const ofKind = (...kinds) => read.filter(({ entry }) => kinds.includes(entry.kind));
  const attempt = ofKind(...attempts).at(-1);
  const [hold] = ofKind('hold');
  const [outcome] = ofKind('outcome');
  const [settled] = ofKind('hold.settled');
  if (!attempt) return { parts, facts: {} };
  const { body, at } = attempt.entry;
  const { args, inputs } = attempt.content;
  const decision = (hold ?? attempt).entry.body.decision;
  const facts = {
    action: { tool: body.upstream, operation: body.name, parameters: args, timestamp: at },
    context: { session: body.session, actions: inputs?.context?.session?.actions, classes: inputs?.context?.session?.labels },
    identity: { agent: body.identity, human: inputs?.context?.on_behalf_of, service: serviceOf(body, inputs), scope: inputs?.principal?.groups },
    decision: { result: decisions[decision?.outcome], policies: (decision?.policies ?? []).map(({ policy }) => policy), policyHash: decision?.bundle, reasons: reasonsOf(decision) },
    approvals: [...ofKind('approval'), ...(settled?.entry.body.status === 'refused' ? [settled] : [])].map(({ entry }) => ({ approver: entry.body.person, decision: entry.kind === 'approval' ? 'agreed' : 'refused', timestamp: entry.at })),
    deferral: hold && { reasons: reasonsOf(hold.entry.body.decision), submitted: hold.entry.at, method: settled?.entry.body.status, timestamp: settled?.entry.at, session: settled?.entry.body.session },
    outcome: { result: attempt.entry.kind === 'intent' ? resultOf(outcome?.entry.body) : 'none', error: outcome?.content.error ?? outcome?.entry.body.error },
  };
  return { parts, facts };
}

const reasonsOf = (decision) => [decision?.kind, ...(decision?.approvals ?? []).map(({ reason }) => reason), ...(decision?.facts ?? []).map(({ reason }) => reason)];

/** The service that an agent came through, or that acts itself. */
const serviceOf = ({ identity, chain }, inputs) => chain?.[0] ?? (inputs?.principal?.attributes?.kind === 'service-account' ? identity : undefined);
