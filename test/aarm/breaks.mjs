// The ways in which our own target is broken on purpose, so that every check is seen to fail: in its policies, or in
// what its description says, never in the product. `fails` names the checks that have to notice.

const cedar = 'bundle/policies/aarm.cedar';
const catalogue = 'bundle/catalogue.yaml';
const people = 'bundle/people.yaml';

/** A replacement that replaces nothing would break nothing. */
function edit(file, ...changes) {
  return (files) => {
    const text = changes.reduce((before, [from, to]) => {
      if (!before.includes(from)) throw new Error(`${file} has no \`${from}\``);
      return before.replaceAll(from, to);
    }, files[file]);
    return { ...files, [file]: text };
  };
}

const described = (more) => (target, upstream) => ({ ...target, ...more(target, upstream) });
const receipts = (more) => described(({ receipts: known }) => ({ receipts: { ...known, ...more(known) } }));
const caller = (change) => described((target) => ({ caller: async (role) => change(await target.caller(role), target), forRequest: async (...args) => change(await target.forRequest(...args), target) }));
const named = (change) => caller((known) => ({ ...known, names: { ...known.names, ...change(known.names) } }));
const facts = (change) => receipts(({ of }) => ({
  of: async (...args) => {
    const receipt = await of(...args);
    return receipt && { ...receipt, facts: change(receipt.facts) };
  },
}));
const without = (...names) => facts((known) => ({ ...known, ...Object.fromEntries(names.map((name) => [name, name === 'approvals' ? [] : {}])) }));

const withPolicies = [
  {
    name: 'everything is permitted, and nothing else is said',
    change: (files) => ({ ...files, [cedar]: '@id("everything") permit (principal, action, resource);\n' }),
    fails: ['R1.1', 'R1.2', 'R1.4', 'R1.5', 'R1.6', 'R1.8', 'R1.9', 'R2.3', 'R2.5', 'R2.6', 'R2.7', 'R3.1', 'R3.2', 'R3.3', 'R3.4', 'R3.5', 'R3.6', 'R3.7', 'R3.8', 'R3.9', 'R3.11', 'R3.12', 'R3.13', 'R3.14', 'R4.2', 'R4.3', 'R4.4', 'R4.5', 'R4.6', 'R4.7', 'R4.8', 'R4.9', 'R4.10', 'R4.12', 'R4.15', 'R4.16', 'R4.18', 'R5.8', 'R5.13', 'R6.10'],
  },
  {
    name: 'what is read has no class',
    change: edit(catalogue, ['reads: [patient], ', ''], ['reads: [public], ', '']),
    fails: ['R2.1', 'R2.4', 'R2.5', 'R2.7', 'R3.2', 'R3.5', 'R3.7', 'R4.11', 'R5.10'],
  },
  { name: 'sensitive data is of a low class', change: edit(catalogue, ['reads: [patient]', 'reads: [public]']), fails: ['R2.4', 'R2.5', 'R2.7', 'R3.2'] },
  { name: 'a list is cut to three', change: edit(cedar, ['limit=2,', 'limit=3,']), fails: ['R4.3'] },
  { name: 'a list is not cut, but cleaned', change: edit(cedar, ['limit=2,', '']), fails: ['R4.3'] },
  { name: 'reading the board is a change of it', change: edit(cedar, ['@id("agents-work") @reason', '@id("agents-work") @modify("redact=secret") @reason']), fails: ['R4.1', 'R3.5'] },
  { name: 'waits are twice as long', change: edit(cedar, ['@within("10m")', '@within("20m")'], ['@within("4s")', '@within("8s")']), fails: ['R4.10', 'R4.16'] },
  { name: 'sales is in finance', change: edit(people, ['groups: [sales]', 'groups: [finance]']), fails: ['R4.9'] },
  { name: 'ann is not in finance', change: edit(people, ['{ id: ann, groups: [finance]', '{ id: ann, groups: [sales]']), fails: ['R4.8', 'R4.9', 'R5.13', 'R6.8', 'R6.10'] },
  { name: 'an independent action is deferred too', change: edit(cedar, ['action == Action::"valve.shut"', 'action in [Action::"valve.shut", Action::"draft.check"]']), fails: ['R4.18', 'R2.1', 'R3.3'] },
  { name: 'a forbidden action waits for people', change: edit(cedar, ['@id("no-wiping")', '@id("no-wiping") @outcome("step_up") @approvers("finance")']), fails: ['R3.6', 'R3.1', 'R1.4', 'R4.2'] },
  { name: 'a draft is never published', change: edit(cedar, ['context.session.actions.contains("draft.check")', 'false']), fails: ['R3.3', 'R3.5'] },
  { name: 'a lot may be drawn by nobody twice, nor once', change: edit(cedar, ['when { context.session.actions.contains("lot.draw") }', 'when { true }']), fails: ['R2.3'] },
];

const inDescriptions = [
  { name: 'the gateway is left out', apply: described((_target, upstream) => ({ url: upstream.url })), fails: ['R1.3', 'R1.4', 'R1.5', 'R3.10', 'R4.2', 'R6.9', 'R6.11'] },
  { name: 'the gateway stays while it is said to be down', apply: described(() => ({ makeUnavailable: async () => undefined, makeAvailable: async () => undefined })), fails: ['R1.3', 'R1.7'] },
  { name: 'policies are not spoilt', apply: described(() => ({ spoilPolicies: async () => async () => undefined })), fails: ['R1.7'] },
  { name: 'everybody bad is somebody good', apply: described((target) => ({ badCallers: async () => ({ 'with a good token': await target.caller('agent') }) })), fails: ['R6.9'] },
  { name: 'nobody is revoked', apply: described(() => ({ revoke: async () => true })), fails: ['R6.10'] },
  { name: 'what waits is over at once', apply: described(() => ({ stateOf: async () => 'done' })), fails: ['R4.6', 'R4.7', 'R4.12', 'R4.16', 'R4.20'] },
  { name: 'what waits waits for ever', apply: described(() => ({ stateOf: async () => 'waiting' })), fails: ['R4.6', 'R4.7', 'R4.16', 'R4.20'] },
  { name: 'the record is in another order', apply: described((target) => ({ order: async (by) => (await target.order(by)).reverse() })), fails: ['R4.14'] },
  { name: 'an approver does not see for whom', apply: described((target) => ({ view: async (...args) => ({ ...(await target.view(...args)), identity: {} }) })), fails: ['R4.11'] },
  { name: 'the record says nothing of policies and reasons', apply: described((target) => ({ record: async (act) => target.record(act).then((known) => known && { ...known, policies: [], reasons: [] }) })), fails: ['R1.6', 'R1.8', 'R1.9', 'R3.2', 'R3.8'] },
];

const inReceipts = [
  { name: 'there are no receipts', apply: receipts(() => ({ of: async () => undefined })), fails: ['R1.1', 'R1.2', 'R2.2', 'R2.8', 'R2.9', 'R4.20', 'R5.1', 'R5.6', 'R5.7', 'R5.19', 'R6.1', 'R6.8', 'R6.12'] },
  { name: 'whatever was changed verifies', apply: receipts(() => ({ verify: async () => ({ valid: true, algorithm: 'Ed25519' }) })), fails: ['R2.2', 'R5.7', 'R5.16', 'R6.12'] },
  { name: 'the key is somebody else\'s', apply: receipts(({ otherKey }) => ({ publicKeys: async () => [await otherKey()] })), fails: ['R2.2', 'R2.8', 'R4.20', 'R5.6', 'R5.7', 'R5.16', 'R5.17', 'R5.19', 'R6.12'] },
  { name: 'there is no key', apply: receipts(() => ({ publicKeys: async () => [] })), fails: ['R5.6', 'R5.19'] },
  { name: 'the algorithm is an old one', apply: receipts(({ verify }) => ({ verify: async (...args) => ({ ...(await verify(...args)), algorithm: 'RSA-1024' }) })), fails: ['R5.17'] },
  { name: 'the text is not canonical', apply: receipts(({ signedTexts }) => ({ signedTexts: (receipt) => signedTexts(receipt).map((text) => `${text} `) })), fails: ['R5.18'] },
  { name: 'all entries are in one place', apply: receipts(({ positions }) => ({ positions: (receipt) => positions(receipt).map(() => 0) })), fails: ['R2.8'] },
  { name: 'entries name another hash', apply: receipts(({ links }) => ({ links: (receipt) => links(receipt).map((link) => ({ ...link, previous: 'another' })) })), fails: ['R2.9'] },
  { name: 'the agent has another name', apply: named(() => ({ agent: 'another' })), fails: ['R4.11', 'R5.1', 'R5.2', 'R5.3', 'R5.4', 'R5.5', 'R5.11', 'R6.1', 'R6.5', 'R6.8'] },
  { name: 'the person has another name', apply: named(() => ({ human: 'another' })), fails: ['R5.1', 'R5.5', 'R5.11', 'R6.1', 'R6.3', 'R6.8'] },
  { name: 'the service has another name', apply: named(() => ({ service: 'another' })), fails: ['R5.1', 'R5.5', 'R5.11', 'R6.1', 'R6.4'] },
  { name: 'the scope is another', apply: named(() => ({ scope: ['everything'] })), fails: ['R5.11', 'R6.1', 'R6.7', 'R6.8'] },
  { name: 'the session has another name', apply: named(() => ({ session: 'another' })), fails: ['R6.6'] },
  { name: 'receipts are silent on the decision', apply: without('decision'), fails: ['R1.1', 'R1.2', 'R5.1', 'R5.2', 'R5.3', 'R5.4', 'R5.5', 'R5.12'] },
  { name: 'receipts are silent on action, context and outcome', apply: without('action', 'context', 'outcome'), fails: ['R5.9', 'R5.10', 'R5.15', 'R6.1', 'R6.6'] },
  { name: 'receipts are silent on approvals', apply: without('approvals'), fails: ['R5.13'] },
  { name: 'receipts are silent on deferrals', apply: without('deferral'), fails: ['R4.20', 'R5.8', 'R5.14'] },
  { name: 'every failure is a success', apply: facts((known) => ({ ...known, outcome: { result: 'succeeded' } })), fails: ['R5.15'] },
];

export const breaks = [...withPolicies, ...inDescriptions, ...inReceipts];
