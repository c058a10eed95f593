import type { Attempt } from './policy-kit.js';
import type { Rego } from './opa.js';

/**
 * Rego policies over the words of a decision, and attempts to ask them about; only the random numbers determine
 * them. Left out is what OPA's own engines do not agree on: the order of an object's members as text, rules that
 * contradict themselves unseen, and numbers with more digits than a double has.
 */
export class RegoWorld {
  constructor(private readonly random: () => number) {}

  #below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  #chance(probability: number): boolean {
    return this.random() < probability;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }

  #some<T>(most: number, make: () => T): readonly T[] {
    return Array.from({ length: this.#below(most + 1) }, make);
  }

  rego(): Rego {
    const body = this.#chance(0.35) ? this.#bySets() : this.#byCases();
    const fallback = this.#chance(0.5) ? `default decision := ${this.#pick(constants)}\n` : '';
    const policy = `package flyball\n\n${fallback}${body}${helpers}`;
    return { policy, data: { roles: { robots: this.#pick(['operator', 'reader']), testers: 'reader' }, limits: { eur: this.#pick([10, 100.5, 1000]), calls: this.#below(5) }, blocked: this.#some(2, () => this.#pick(words)) } };
  }

  /** One case after the other; now and then another rule beside them, which may contradict. */
  #byCases(): string {
    const first = `decision := ${this.#result()} if {\n${this.#conditions()}}`;
    const others = this.#some(4, () => ` else := ${this.#result()} if {\n${this.#conditions()}}`);
    const beside = this.#chance(0.15) ? `\ndecision := ${this.#result()} if {\n${this.#conditions()}}\n` : '';
    return `${first}${others.join('')}\n${beside}`;
  }

  /** As most people write it: sets of reasons, and what follows from them. */
  #bySets(): string {
    const into = (set: string) => this.#some(3, () => `${set} contains ${this.#policy()} if {\n${this.#conditions()}}\n`).join('');
    return `deny contains {"id": "never", "reason": "never"} if false\nask contains {"id": "never"} if false\n${into('deny')}${into('ask')}
decision := {"outcome": "deny", "policies": [p | some p in deny]} if {
  count(deny) > 0
} else := {"outcome": "step_up", "policies": [p | some p in ask], "approvals": ${this.#approvals()}} if {
  count(ask) > 0
} else := {"outcome": "allow", "policies": [{"id": "rest", "reason": concat(" ", ["asked", input.action.name])}]} if {
${this.#conditions()}}
`;
  }

  #conditions(): string {
    return [this.#condition(), ...this.#some(2, () => this.#condition())].map((line) => `  ${line}\n`).join('');
  }

  #number(): string {
    return this.#pick(['0', '1', '-1', '5', '10', '99.99', '100', '100.0', '100.01', '1000', '1e3', '0.1', '0.0001', '123456789012', 'data.limits.eur', 'data.limits.calls', 'input.context.session.refusals', 'to_number("12.5")', 'count(input.principal.groups)', 'round(2.5)', 'abs(-7)']);
  }

  #word(): string {
    return this.#pick(['"ann"', '"robots"', '"pay"', '"act"', '"payments"', '"pii"', '"untrusted"', '""', '"tool"', '"é😀"', 'input.resource.type', 'input.principal.owner', 'lower("TOOL")', 'upper("é")', 'trim_space(" pay ")', 'object.get(input.context.args, "payee", "nobody")', 'data.roles.robots', 'substring("payments", 0, 3)', 'replace("a-b", "-", "")', '$"{input.action.name}"', 'json.marshal(input.context.args.tags)', 'base64.encode("pay")']);
  }

  #condition(): string {
    const comparison = this.#pick(['>', '>=', '<', '<=', '==', '!=']);
    const amount = this.#pick(['input.context.args.amount', 'input.context.args.count', 'input.context.session.spent.eur', 'input.context.session.refusals', 'input.context.session.age_ms', 'input.context.now_ms', 'sum(input.context.args.fees)', 'max(input.context.args.fees)', 'count(input.context.session.labels)', 'input.context.args.amount + 1', 'input.context.args.amount * 2', 'input.context.args.count % 3', 'floor(input.context.args.amount)', 'input.context.session.counts["payment.release"]', 'to_number(input.context.args.payee)', '10 / input.context.args.count']);
    const text = this.#pick(['input.context.args.payee', 'input.context.args.command', 'input.context.args.options.mode', 'input.principal.kind', 'input.principal.id', 'input.action.name', 'input.resource.id', 'input.context.session.purpose', 'input.context.on_behalf_of', 'input.context.now', 'input.context.args.choice']);
    const list = this.#pick(['input.principal.groups', 'input.action.groups', 'input.context.session.labels', 'input.context.session.actions', 'input.context.args.tags', 'data.blocked', 'input.context.session.capabilities']);
    return this.#pick<() => string>([
      () => `${amount} ${comparison} ${this.#number()}`,
      () => `${amount} ${comparison} ${this.#number()}`,
      () => `${text} ${comparison} ${this.#word()}`,
      () => `not ${amount} ${comparison} ${this.#number()}`,
      () => `not ${text} ${comparison} ${this.#word()}`,
      () => `${this.#word()} in ${list}`,
      () => `not ${this.#word()} in ${list}`,
      () => `some item in ${list}; item ${this.#pick(['==', '!=', '<'])} ${this.#word()}`,
      () => `every item in ${list} { item != ${this.#word()} }`,
      () => `count(${list}) ${comparison} ${this.#below(4)}`,
      () => `${this.#pick(['startswith', 'endswith', 'contains'])}(${text}, ${this.#word()})`,
      () => `regex.match(${this.#pick(['`^a`', '`^[a-z]+$`', '`\\\\d{2,}`', '`(?i)ANN`', '`^(a|b)*c?$`', '`é.`', '`.*`'])}, ${text})`,
      () => `glob.match(${this.#pick(['"p*"', '"*.com"', '"**"', '"{ann,ben}"', '"pay?"', '"[a-m]*"'])}, ${this.#pick(['[]', '["."]'])}, ${text})`,
      () => `net.cidr_contains(${this.#pick(['"10.0.0.0/8"', '"127.0.0.0/8"', '"::1/128"'])}, input.context.origin.address)`,
      () => `input.context.args == ${this.#pick(['{}', '{"amount": 5}', 'input.context.args'])}`,
      () => `input.context.args.choice == ${this.#pick(['null', '1', '"a"', '[1, "x"]', '{"a": [true]}', '1e300'])}`,
      () => `${this.#pick(['is_string', 'is_number', 'is_null', 'is_array', 'is_object', 'is_boolean'])}(input.context.args.${this.#pick(['choice', 'amount', 'payee', 'urgent'])})`,
      () => `input.context.args.urgent`,
      () => `not input.context.args.urgent`,
      () => `concat(",", sort([x | some x in ${list}])) ${comparison} ${this.#word()}`,
      () => `{x | some x in ${list}} & {"pii", "robots", "act"} != set()`,
      () => `object.keys(input.context.session.spent) == {"eur"}`,
      () => `split(${text}, ".")[0] == ${this.#word()}`,
      () => `role == ${this.#pick(['"operator"', '"reader"'])}`,
      () => `large`,
      () => `not large`,
      () => `count(input.resources) ${comparison} ${this.#pick(['1', '2'])}`,
      () => `true`,
    ])();
  }

  #reason(): string {
    return this.#pick(['"so it is"', '"zwei Personen, é😀 \\"quoted\\""', '$"more than {data.limits.eur} by {input.principal.id}"', 'concat(" ", ["asked for", input.action.name])', '$"asks: {input.action.name}, {count(input.context.args)}"', 'format_int(count(input.principal.groups), 10)', 'input.context.args.payee', '$"{input.context.args.amount}"', 'json.marshal([1, "x", null])', '$"{[x | some x in input.context.session.labels]}"']);
  }

  #policy(): string {
    return this.#chance(0.8) ? `{"id": "${this.#pick(['limit', 'owner', 'window', 'a.b', 'z_1'])}", "reason": ${this.#reason()}}` : `{"id": "${this.#pick(['bare', 'naked'])}"}`;
  }

  #approvals(): string {
    return this.#pick(['[{"approvers": "finance"}]', '[{"approvers": "finance", "quorum": 2, "evidence": ["invoice", "vendor_check"], "within": "30m"}]', '[{"approvers": "finance"}, {"approvers": "security", "within": "2d"}]', '[{"approvers": role_group}]', '[{"approvers": "nobody"}]']);
  }

  #modify(): string {
    return this.#pick(['{"caps": {"amount": 50}}', '{"caps": {"amount": data.limits.eur, "count": 3}, "sets": {"mode": "read"}}', '{"sets": {"dry_run": true}, "redact": ["secret", "pii"]}', '{"redact": ["pii"]}', '{"caps": {"amount": min([input.context.args.amount, 10.5])}}']);
  }

  #result(): string {
    const policies = `"policies": [${[this.#policy(), ...this.#some(2, () => this.#policy())].join(', ')}]`;
    return this.#pick([
      ...Array<string>(3).fill(`{"outcome": "allow", ${policies}}`),
      ...Array<string>(2).fill(`{"outcome": "deny", ${policies}}`),
      ...Array<string>(2).fill(`{"outcome": "modify", ${policies}, "modify": ${this.#modify()}}`),
      ...Array<string>(2).fill(`{"outcome": "step_up", ${policies}, "approvals": ${this.#approvals()}}`),
      ...Array<string>(2).fill(`{"outcome": "defer", ${policies}, "facts": ${this.#pick(['[{"needs": ["change_window"]}]', '[{"needs": ["vendor", "change_window"], "within": "1h"}]'])}}`),
      this.#pick(['true', 'false', 'null', '"allow"', '1.50', '[]', '{}', '{"outcome": "maybe"}', `{"outcome": "Allow", ${policies}}`, '{"outcome": "allow"}', `{"outcome": "allow", ${policies}, "extra": {1, 2}}`, `{"outcome": "step_up", ${policies}}`, `{"allow": true, "numbers": [1e300, 0.1, 100.0, -0, 123456789012345]}`, '{x | some x in [3, 1, 2]}', 'input.context.args']),
    ]);
  }

  attempt(): Attempt {
    const amount = this.#pick([0, 1, 5, -1, 10, 10.5, 99.99, 100, 100.01, 1000, 1000.5, 0.1, 0.3, 0.0001, 0.000_01, 1e300, 123_456_789_012, 922_337_203_685_476.1]);
    const extra = {
      ...(this.#chance(0.5) && { count: this.#pick([0, 1, 2, 3, -7, 9_007_199_254_740_991, 1.5]) }),
      ...(this.#chance(0.6) && { payee: this.#pick([...words, '12.5', 'ann@example.com', 'x'.repeat(300), 'line\nbreak\u0000']) }),
      ...(this.#chance(0.3) && { urgent: this.#chance(0.5) }),
      ...(this.#chance(0.4) && { tags: this.#some(3, () => this.#pick(words)) }),
      ...(this.#chance(0.3) && { fees: this.#some(3, () => this.#pick([0.1, 0.2, 5, 100])) }),
      ...(this.#chance(0.3) && { options: { mode: this.#pick(words), most: this.#below(9) } }),
      ...(this.#chance(0.3) && { choice: this.#pick<never>([null, 1, 'a', [1, 'x'], { a: [true] }, 1e300, { __extn: { fn: 'decimal', arg: '1.0' } }] as never[]) }),
    };
    const tool = this.#pick(['pay', 'pay', 'refund', 'run', 'copy']);
    const args = tool === 'run' ? { command: this.#pick(['ls', 'rm -rf /', 'é']) } : tool === 'copy' ? { source: this.#pick(words), destination: this.#pick(words) } : { ...(tool === 'pay' || this.#chance(0.7) ? { amount } : {}), ...extra };
    return {
      tool,
      args,
      identity: { groups: this.#some(2, () => this.#pick(['robots', 'testers', 'payments'])), kind: this.#pick(['agent', 'service-account']), owner: this.#pick(['ann', 'ben']) },
      ...(this.#chance(0.3) && { principal: { onBehalfOf: this.#pick(['ann', 'zoë']) } }),
      session: { labels: this.#some(2, () => this.#pick(['pii', 'untrusted', 'secret'])), refusals: this.#below(4), spent: this.#chance(0.5) ? { eur: this.#pick([0, 1, 1_000_000, 49_999_900]) } : {}, counts: this.#chance(0.5) ? { 'payment.release': this.#below(4) } : {}, purpose: this.#pick(words) },
    };
  }
}

const words = ['ann', 'ben', 'pay', 'tool', 'payments', 'a.b.com', 'é😀', 'ANN', 'abc', 'aab'];

/** A default may refer to nothing. */
const constants = ['allow', 'deny', 'maybe'].map((outcome) => `{"outcome": "${outcome}", "policies": [{"id": "default", "reason": "nothing else applied"}]}`);

const helpers = `
role := min([role_of | some group in input.principal.groups; role_of := data.roles[group]])
role_group := "finance" if role == "operator"
large if input.context.args.amount > data.limits.eur
large if input.context.session.spent.eur >= data.limits.eur
`;
