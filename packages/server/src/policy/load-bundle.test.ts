import { describe, expect, test } from 'vitest';
import { bundleFiles, compile, decisionOn, faultsOf } from '../../../../test/support/policy-kit.js';
import { compileBundle } from './load-bundle.js';

const permit = '@id("all") permit (principal, action, resource);\n';
const guard = (annotations: string, condition = '') => `${permit}\n@id("guard") ${annotations}\nforbid (principal, action == Action::"payment.release", resource)${condition};`;

test('story: a bundle that follows every rule is accepted without a warning', () => {
  const bundle = compile(guard('@outcome("step_up") @approvers("finance") @quorum("2") @evidence("invoice, vendor_check") @within("4h") @reason("two people") @owner("ann") @control("NIST-CSF:PR.AA-05")'));
  expect(bundle.warnings).toEqual([]);
  expect(bundle.rules.get('guard')).toMatchObject({ outcome: 'step_up', approvers: [{ group: 'finance', quorum: 2 }], evidence: ['invoice', 'vendor_check'], withinMs: 4 * 3_600_000 });
  expect(bundle.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
});

describe('annotations', () => {
  test.each<[string, string, string]>([
    ['an unknown annotation', guard('@outcom("step_up") @approvers("finance")'), 'unknown annotation `@outcom`'],
    ['an annotation in other letters', guard('@Outcome("step_up") @approvers("finance")'), 'unknown annotation `@Outcome`'],
    ['a prototype as annotation', guard('@constructor("x")'), 'unknown annotation `@constructor`'],
    ['`__proto__` as annotation', guard('@__proto__("x")'), 'unknown annotation `@__proto__`'],
    ['an annotation without a value', guard('@outcome @approvers("finance")'), 'expected `@outcome` to have a value'],
    ['an annotation with an empty value', guard('@reason("")'), 'expected `@reason` to have a value'],
    ['an unknown outcome', guard('@outcome("allow")'), 'expected `@outcome` to be "step_up" or "defer"'],
    ['an outcome in other letters', guard('@outcome("Step_Up") @approvers("finance")'), 'expected `@outcome` to be "step_up" or "defer"'],
    ['a step-up without approvers', guard('@outcome("step_up")'), 'expected `@approvers` with `@outcome("step_up")`'],
    ['approvers without a step-up', guard('@approvers("finance")'), 'expected `@approvers` with `@outcome("step_up")`'],
    ['a deferral without needs', guard('@outcome("defer")'), 'expected `@needs` with `@outcome("defer")`'],
    ['a deferral whose needs are blank', guard('@outcome("defer") @needs(" , ")'), 'expected `@needs` with `@outcome("defer")`'],
    ['needs without a deferral', guard('@needs("vendor")'), 'expected `@needs` with `@outcome("defer")`'],
    ['approvers that are nobody', guard('@outcome("step_up") @approvers("treasury")'), 'nobody in people.yaml is in this group'],
    ['approvers in other letters', guard('@outcome("step_up") @approvers("Finance")'), 'nobody in people.yaml is in this group'],
    ['blank approvers', guard('@outcome("step_up") @approvers(" ")'), 'expected `@approvers` with `@outcome("step_up")`'],
    ['one of several groups that is nobody', guard('@outcome("step_up") @approvers("finance:2, treasury")'), 'nobody in people.yaml is in this group'],
    ['an escalation to nobody', guard('@outcome("step_up") @approvers("finance") @escalate("30m:treasury")'), 'nobody in people.yaml is in this group'],
    ['somebody kept apart whom nobody is', guard('@outcome("step_up") @approvers("finance") @apart("group:treasury")'), 'nobody in people.yaml is in this group'],
    ['an emergency that is not declared', guard('@outcome("step_up") @approvers("finance") @emergency("outage")'), 'people.yaml declares no such emergency'],
    ['an emergency on what never opens', guard('@emergency("outage")'), 'expected `@emergency` on a guard that waits'],
    ['a fact that nobody declared', guard('@outcome("defer") @needs("vendor,weather")'), '`@needs("weather")`: catalogue.yaml declares no such fact'],
    ['a fact from the prototype', guard('@outcome("defer") @needs("constructor")'), '`@needs("constructor")`: catalogue.yaml declares no such fact'],
    ['a quorum of none', guard('@outcome("step_up") @approvers("finance") @quorum("0")'), 'expected `@quorum` from 1 to 20'],
    ['a negative quorum', guard('@outcome("step_up") @approvers("finance") @quorum("-1")'), 'expected `@quorum` from 1 to 20'],
    ['half a quorum', guard('@outcome("step_up") @approvers("finance") @quorum("1.5")'), 'expected `@quorum` from 1 to 20'],
    ['a quorum in words', guard('@outcome("step_up") @approvers("finance") @quorum("two")'), 'expected `@quorum` from 1 to 20'],
    ['a time without a unit', guard('@outcome("step_up") @approvers("finance") @within("4")'), 'expected `@within` as a time'],
    ['no time', guard('@outcome("step_up") @approvers("finance") @within("0h")'), 'expected `@within` as a time'],
    ['a time of years', guard('@outcome("step_up") @approvers("finance") @within("31d")'), 'expected `@within` as a time'],
    ['another mode', guard('@mode("shadows")'), 'expected `@mode` to be "shadow"'],
    ['a modification on a forbid', guard('@modify("limit=1")'), 'expected `@modify` on a permit only'],
  ])('attack: %s is refused with its file and line', (_name, policies, expected) => {
    expect(faultsOf(policies).find((fault) => fault.includes(expected))).toMatch(/^policies\/main\.cedar:3(:\d+)?: /);
  });

  test.each<[string, string]>([
    ['@outcome("step_up") @approvers("finance")', 'expected `@outcome` on a forbid only'],
    ['@approvers("finance")', 'expected `@approvers` on a forbid only'],
    ['@needs("vendor")', 'expected `@needs` on a forbid only'],
    ['@quorum("2")', 'expected `@quorum` on a forbid only'],
    ['@modify("limit")', 'expected `@modify`'],
    ['@modify("limit=")', 'expected `@modify`'],
    ['@modify("=5")', 'expected `@modify`'],
    ['@modify("redact=everything")', 'expected `@modify`'],
    ['@modify("redact=")', 'expected `@modify`'],
    ['@modify("a b=5")', 'expected `@modify`'],
    ['@modify("note=a=b")', 'expected `@modify`'],
    ['@modify(",")', 'expected `@modify`'],
    ['@modify("limit=1e3")', 'expected `@modify`'],
    ['@modify("limit=0.00001")', 'expected `@modify`'],
    ['@modify("__proto__=5")', 'expected `@modify`'],
    ['@modify("limit=5,limit=10")', 'expected `@modify`'],
    ['@modify("mode=a,mode=b")', 'expected `@modify`'],
    ['@ttl("forever")', 'expected `@ttl` as a time'],
    ['@credential("crm:readonly")', 'no target of this name is configured'],
  ])('attack: %s on a permit is refused', (annotation, expected) => {
    expect(faultsOf(`\n@id("all") ${annotation} permit (principal, action, resource);`).find((fault) => fault.includes(expected))).toMatch(/^policies\/main\.cedar:2: /);
  });

  test('attack: a cap that no number carries is refused', () => {
    expect(faultsOf(`@id("all") @modify("limit=${'9'.repeat(400)}") permit (principal, action, resource);`).join()).toContain('expected `@modify`');
  });

  test.each(['', '@id', '@id("")', '@id("All")', '@id("a b")', '@id(" all")', '@id("\\u{430}ll")', '@id("../all")', `@id("${'a'.repeat(129)}")`])('abuse 27: a policy named by %j has no usable name', (annotation) => {
    expect(faultsOf(`${annotation}\npermit (principal, action, resource);`).join()).toContain('expected `@id`');
  });

  test('abuse 27: two policies of one name are refused, in one file or in two, and both places are named', () => {
    expect(faultsOf(`${permit}\n\n${permit}`)).toEqual(['policies/main.cedar:4: `@id("all")` is also at policies/main.cedar:1']);
    expect(faultsOf(permit, { 'policies/other.cedar': `\n\n${permit}` })).toEqual(['policies/other.cedar:3: `@id("all")` is also at policies/main.cedar:1']);
  });
});

describe('policies that would guard nothing', () => {
  test.each<[string, string, RegExp]>([
    ['GHSA-hm46-7j72-rpv9: `in` on a text', '@id("rm")\nforbid (principal, action == Action::"shell.run", resource)\nwhen { context.args.command in ["rm"] };', /^policies\/main\.cedar:5:\d+: `rm`: /],
    ['a misspelt attribute', '@id("x")\nforbid (principal, action == Action::"payment.release", resource)\nwhen { context.args.amuont.greaterThan(decimal("1.0")) };', /^policies\/main\.cedar:5:\d+: `x`: .*amuont/],
    ['a misspelt action', '@id("x")\nforbid (principal, action == Action::"payment.relase", resource);', /^policies\/main\.cedar:4:\d+: `x`: .*payment\.relase/m],
    ['a comparison of a number with a text', '@id("x")\nforbid (principal, action == Action::"payment.refund", resource)\nwhen { context.args has count && context.args.count == "5" };', /^policies\/main\.cedar:/],
    ['an argument that need not be there, without asking', '@id("x")\nforbid (principal, action == Action::"payment.refund", resource)\nwhen { context.args.amount.greaterThan(decimal("1.0")) };', /^policies\/main\.cedar:5:\d+: `x`: /],
    ['a number with a point as a Long', '@id("x")\nforbid (principal, action == Action::"payment.release", resource)\nwhen { context.args.amount > 5 };', /^policies\/main\.cedar:/],
    ['an unknown kind of principal', '@id("x")\nforbid (principal is User, action, resource);', /^policies\/main\.cedar:/],
    ['the engine\'s own `unknown()`', '@id("x")\nforbid (principal, action, resource)\nwhen { unknown("x") };', /^policies\/main\.cedar:3: `unknown\(\)` has no value/],
    ['`unknown()` deep inside', '@id("x")\nforbid (principal, action, resource)\nunless { if true then [unknown("x")].isEmpty() else false };', /^policies\/main\.cedar:3: /],
    ['a condition that is never true', '@id("x")\nforbid (principal, action, resource)\nwhen { false };', /^policies\/main\.cedar:\d.*impossible/],
    ['a template', '@id("x")\nforbid (principal == ?principal, action, resource);', /^policies\/main\.cedar:/],
    ['half a policy', '@id("x")\nforbid (principal, action, resource)', /^policies\/main\.cedar:4/],
    ['a policy after `;;`', '@id("x") forbid (principal, action, resource);;', /^policies\/main\.cedar:3/],
    ['a text that never ends', '@id("x")\nforbid (principal, action, resource) when { context.session.purpose == "x };', /^policies\/main\.cedar:/],
  ])('attack: %s is refused with its file and line', (_name, policy, expected) => {
    expect(faultsOf(`${permit}\n${policy}`).join('\n')).toMatch(expected);
  });
});

describe('all or nothing', () => {
  test('abuse 17: no policy at all is accepted with a warning and denies', async () => {
    for (const files of [{}, bundleFiles('', { 'policies/main.cedar': undefined }), bundleFiles(' // nothing\n')]) expect(compileBundle(files).warnings).toEqual(['policies/: there is no policy, so every action is denied unless a running OPA is configured']);
    expect(await decisionOn('// nothing')).toMatchObject({ outcome: 'deny', kind: 'no_permit' });
  });

  test.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['an empty catalogue', { 'catalogue.yaml': '' }, /^catalogue\.yaml:1:1: /],
    ['a null catalogue', { 'catalogue.yaml': 'null' }, /^catalogue\.yaml:1:1: /],
    ['null for a list', { 'identities.yaml': 'identities:\n' }, /^identities\.yaml:\d+:\d+: identities: /],
    ['a misspelt member', { 'people.yaml': 'people:\n  - { id: ann, group: [finance] }\n' }, /^people\.yaml:2:\d+: /],
    ['`__proto__` as a member', { 'people.yaml': 'people:\n  - id: ann\n    __proto__: { administrator: true }\n' }, /^people\.yaml:[23]:\d+: /],
    ['a status that nobody knows', { 'identities.yaml': 'identities:\n  - { id: robot, kind: agent, autonomy: scripted, owner: a, purpose: b, status: Active }\n' }, /^identities\.yaml:2:\d+: /],
    ['an expiry that is no date', { 'identities.yaml': 'identities:\n  - { id: robot, kind: agent, autonomy: scripted, owner: a, purpose: b, expires: never }\n' }, /^identities\.yaml:2:\d+: /],
    ['two identities of one name', { 'identities.yaml': 'identities:\n  - { id: robot, kind: agent, autonomy: scripted, owner: a, purpose: b }\n  - { id: robot, kind: agent, autonomy: scripted, owner: a, purpose: b }\n' }, /^identities\.yaml:3: `robot` names both/],
    ['two identities with one subject', { 'identities.yaml': 'identities:\n  - { id: a, kind: agent, autonomy: scripted, owner: a, purpose: b, subjects: ["i|s"] }\n  - { id: b, kind: agent, autonomy: scripted, owner: a, purpose: b, subjects: ["i|s"] }\n' }, /^identities\.yaml:3: `i\|s` names both/],
    ['one person twice', { 'people.yaml': 'people:\n  - { id: ann, groups: [finance] }\n  - { id: ann, administrator: true }\n' }, /^people\.yaml:3: `ann` names both/],
    ['one account of two people', { 'people.yaml': 'people:\n  - { id: ann, also: [A.Smith] }\n  - { id: ben, also: [a.smith] }\n' }, /^people\.yaml:3: `a.smith` names both `ann` and `ben`/],
    ['an emergency that nobody can declare', { 'people.yaml': 'people:\n  - { id: ann, groups: [finance] }\nemergencies:\n  - { name: outage, groups: [nobody], reviewers: finance }\n' }, /^people\.yaml:4: the emergency `outage`: nobody is in the group `nobody`/],
    ['a key twice', { 'people.yaml': 'people: []\npeople: []\n' }, /^people\.yaml:2:\d+: /],
    ['two documents', { 'people.yaml': 'people: []\n---\npeople: []\n' }, /^people\.yaml:/],
    ['a tag that runs code elsewhere', { 'people.yaml': 'people: !!js/function "x"\n' }, /^people\.yaml:/],
    ['tools that are no JSON', { 'tools/bank.json': '{' }, /^tools\/bank\.json: /],
    ['tools without schemas', { 'tools/bank.json': '{"tools":[{"name":"pay"}]}' }, /^tools\/bank\.json: /],
    ['a tool twice', { 'tools/bank.json': '{"tools":[{"name":"pay","inputSchema":{}},{"name":"pay","inputSchema":{"type":"object"}}]}' }, /^tools\/bank\.json: .*twice/],
  ])('abuse 17: %s is refused with its place', (_name, files, expected) => {
    expect(faultsOf(permit, files)[0]).toMatch(expected);
  });

  test('story: every fault of every file is named at once', () => {
    const faults = faultsOf('@id("a") permit (principal, action, resource) when { context.nope };\n@id("A") permit (principal, action, resource);', { 'people.yaml': 'persons: []', 'tools/bank.json': '[' });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual(expect.arrayContaining(['people.yaml', 'tools/bank.json', 'policies/main.cedar']));
  });

  test('law: the version of a bundle is its content, whatever the order of its files', () => {
    const files = bundleFiles(permit);
    const reversed = Object.fromEntries(Object.entries(files).reverse());
    expect(compileBundle(reversed).digest).toBe(compileBundle(files).digest);
    expect(compile(`${permit} `).digest).not.toBe(compile(permit).digest);
    expect(compile('', { 'policies/main.cedar': undefined, 'policies/a.cedar': permit }).digest).not.toBe(compile('', { 'policies/main.cedar': undefined, 'policies/b.cedar': permit }).digest);
  });
});
