import { randomUUID } from 'node:crypto';
import { callTool, connect } from './mcp.mjs';

const recordMs = 15_000;
const stepMs = 50;

/** A check found something else than it expected. */
export class Failed extends Error {}

/** A check has nothing to look at: the part is not there, or the target does not say how to reach it. */
export class Open extends Error {
  verdict = 'open';
}

export function expect(condition, otherwise) {
  if (!condition) throw new Failed(otherwise);
}

export const equal = (actual, wanted, what) => expect(stable(actual) === stable(wanted), `${what}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(actual)}`);
/** JSON whose members are in one order, so that two equal values have one text. */
const stable = (value) => JSON.stringify(value, (_key, inner) => (inner !== null && typeof inner === 'object' && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1))) : inner));

export const includes = (list, wanted, what) => expect((list ?? []).includes(wanted), `${what}: expected ${JSON.stringify(wanted)} in ${JSON.stringify(list ?? [])}`);
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Asks until there is an answer. Fails when there is none in time. */
export async function eventually(question, what, ms = recordMs) {
  const until = Date.now() + ms;
  for (;;) {
    const answer = await question();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > until) throw new Failed(`${what}: waited ${ms} ms in vain`);
    await pause(stepMs);
  }
}

/** What checks are made with: callers, actions, their effects at the real upstream, the record. */
export class World {
  #clients = new Map();

  constructor(target, upstream) {
    this.target = target;
    this.upstream = upstream;
  }

  /** The target's own case, such as `deny`: a tool, arguments, and what is to come of it. */
  case(name) {
    const found = this.target.cases[name];
    if (!found) throw new Open(`the target names no case \`${name}\``);
    return found;
  }

  /** Stops the check when the target says that a part is not there. */
  exists(part) {
    const why = this.target.absent?.[part];
    if (why !== undefined) throw new Open(why);
  }

  /** Stops the check when the target does not say how to do something. */
  needs(...names) {
    for (const name of names) {
      this.exists(name);
      if (!['function', 'object'].includes(typeof this.target[name])) throw new Open(`the target does not say how to use \`${name}\``);
    }
  }

  /** A caller with a context that nothing has happened in yet. */
  caller(role = 'agent') {
    return this.target.caller(role);
  }

  /** One attempt. A mark makes it recognizable at the upstream and in the record; `again` repeats one. */
  async act(caller, name, { args = {}, again } = {}) {
    const { tool, args: own = {} } = this.case(name);
    const mark = again?.mark ?? `aarm-${randomUUID()}`;
    const began = Date.now();
    const given = again?.args ?? { ...own, ...args, mark };
    const { result, error } = await this.#call(caller, tool, given);
    const answer = this.target.answer(result, error);
    const effects = () => this.upstream.effects(mark);
    return { ...answer, name, tool, mark, args: given, caller, began, ended: Date.now(), effects, record: () => this.record({ ...answer, mark, caller }) };
  }

  async #call(caller, tool, args) {
    try {
      const client = this.#clients.get(caller) ?? (await connect(this.target.url, caller));
      this.#clients.set(caller, client);
      return await callTool(client, tool, args);
    } catch (error) {
      return { error };
    }
  }

  /** Lets what a deferral waits for be there while the check goes on; the target may give back how to take it away again. */
  async resolved(act, check) {
    const undo = await this.target.resolveDeferral(act);
    try {
      await check();
    } finally {
      await undo?.();
    }
  }

  /** The same call once more, after people or facts have answered. */
  resume = (act) => this.act(act.caller, act.name, { again: act });

  /** What the gateway wrote down of an attempt. */
  async record(act) {
    this.needs('record');
    return eventually(() => this.target.record(act), 'the record of the attempt');
  }

  /** The receipt of an attempt, as its caller gets it. */
  async receipt(act) {
    this.needs('receipts');
    const { id } = await act.record();
    const receipt = await this.target.receipts.of(id, act.caller);
    expect(receipt, `there is no receipt of \`${act.name}\``);
    return receipt;
  }

  /** Verifies a receipt with the published keys and nothing else. */
  async verify(receipt) {
    this.needs('receipts');
    return this.target.receipts.verify(receipt, await this.target.receipts.publicKeys());
  }

  /** Forgets connections, as when the gateway was restarted. */
  async disconnect() {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.allSettled(clients.map((client) => client.close()));
  }

  passed(act) {
    expect(act.passed, `expected \`${act.name}\` to go through, got: ${act.text.slice(0, 200)}`);
    equal(act.effects().length, 1, `effects of \`${act.name}\``);
  }

  /** The action was not let through, and had no effect. */
  stopped(act, decision) {
    expect(!act.passed, `expected \`${act.name}\` not to go through: ${act.text.slice(0, 200)}`);
    if (decision !== undefined) equal(act.decision, decision, `decision on \`${act.name}\``);
    equal(act.effects().length, 0, `effects of \`${act.name}\``);
  }
}
